"""What `fusion doctor` looks at: versions, plugins, devices, codecs, folders, and how they fit together."""
