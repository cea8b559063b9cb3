"""The data path: chains from decoded pieces to stored rows, windows, and batches."""
