"""The settings and where they come from: file, environment, password. Knows no flow."""
