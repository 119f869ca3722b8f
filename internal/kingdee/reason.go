package kingdee

// ReasonNumberUsed is the Reason of a bill that was refused because its number
// is in use: what is under that number may well be the same bill.
const ReasonNumberUsed = "number_used"
