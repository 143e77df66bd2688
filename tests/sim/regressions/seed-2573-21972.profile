# effect: saga 863977bfda92662e-16 ('d0', key 'k1'): step 2 counts as never run, but an attempt of it may have happened (3 sent, 2 returned)
seed 2573
sagas 20
definitions 2
steps 6
shards 3
takeovers 2
retry-later 237
cancel 197
deadline 41
slow-disk 138
burst 755
decisions 118
awaits 36
