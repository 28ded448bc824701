"""Errors for people: a sentence, a hint and an exit code.

    EpdError                    exit 1
      UsageError                exit 2   what was asked for can't be done as asked
      SetupError                exit 3   this machine lacks something: a backend, weights, a device
        PluginNotFound                   no detector or method of this name
          BackendNotFound                no backend
        BackendNotInstalled              known, its package is missing
        BackendBroken                    installed, but it doesn't load or run
        DeviceNotAvailable               the device asked for can't be used
        WeightsError                     a network is missing, damaged or incompletely described
      PictureError              exit 1   one picture can't be read or kept as it is; the others go on

This module imports nothing of ours, so that any module may raise.
"""

from __future__ import annotations


class EpdError(Exception):
    """A message for a person: one sentence that says what went wrong and with which file.

    `hint` says what to do next; `exit_code` is what `epd` ends with when the error reaches the top.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(EpdError):
    """What was asked for can't be done as asked."""

    exit_code = 2


class SetupError(EpdError):
    """This machine lacks something: a backend, weights, a device."""

    exit_code = 3


class PluginNotFound(SetupError):
    pass


class BackendNotFound(PluginNotFound):
    pass


class BackendNotInstalled(SetupError):
    pass


class BackendBroken(SetupError):
    pass


class DeviceNotAvailable(SetupError):
    pass


class WeightsError(SetupError):
    pass


class PictureError(EpdError):
    """One picture can't be read, or can't be kept as it is; becomes that picture's verdict."""
