"""The version of imagineer; the build reads it from here."""

VERSION = "0.1.0"
