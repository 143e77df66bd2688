# direction: an action that had waited for a full executor was sent after the turn
seed 8
sagas 28
definitions 2
steps 3
unknown 21
lost-answer 16
read-error 4
executor-full 18
deadline 58
burst 94
