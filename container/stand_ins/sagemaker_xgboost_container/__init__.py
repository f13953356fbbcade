"""What scripts import of AWS's XGBoost image: readers of libsvm and CSV."""
