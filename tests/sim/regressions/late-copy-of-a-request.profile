# effect: a step gave up after RetryLater alone, counted as clean, and a late copy of its request ran
seed 49
sagas 1
retry-later 41
