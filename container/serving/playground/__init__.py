"""The page at `/`: try the model with a picture of yours. Its sources lie beside this file."""
