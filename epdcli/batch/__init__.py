"""Many pictures: listing, workers, manifest."""
