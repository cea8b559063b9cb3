"""Pictures of what runs through an experiment."""
