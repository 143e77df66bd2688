# direction: a step was undone while a later one still ran; the step between them has no effect
seed 200
sagas 35
definitions 3
steps 5
unknown 124
slow 59
commit-after 23
cancel 159
