"""Features and scores from elsewhere for Fusion: tables and arrays joined to clips by id."""
