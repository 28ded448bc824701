"""The networks that come with the installation; `epdcli.networks` reads their `manifest.json`."""
