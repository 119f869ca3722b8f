package flow

import "refundsync/internal/bilingual"

type message = bilingual.Text

func say(chinese, english string, args ...any) message {
	return bilingual.Say(chinese, english, args...)
}
