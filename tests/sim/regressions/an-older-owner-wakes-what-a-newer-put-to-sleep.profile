# effect: an older owner woke a saga by the row that a newer one had written, and sent a step of it
seed 2573
sagas 20
definitions 2
steps 6
shards 3
takeovers 2
retry-later 237
cancel 197
deadline 41
slow-disk 130
burst 747
decisions 110
awaits 29
