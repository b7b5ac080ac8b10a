"""What is deployed: settings where they run, the image, and the files under deploy/."""
