"""Load on mail servers with Locust: user classes, profiles and the verdict on a run."""
