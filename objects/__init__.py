"""Where what is large and never changes is kept: a folder, or a bucket of an S3 store."""
