"""What may stand in for a face: one small file a method, found through the group `epd.methods`."""
