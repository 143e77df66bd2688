# direction: a Cancel was obeyed after a Retry of a pivot that had been put off and asleep
seed 3276
sagas 28
crashes 2
retry-later 17
unknown 146
throw 23
slow 1
cancel 54
verbs 190
slow-disk 127
