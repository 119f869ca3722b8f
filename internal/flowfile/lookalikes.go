package flowfile

import "refundsync/internal/spelling"

// visible names characters so that they are seen, also those that have no looks.
func visible(text string) message {
	for _, r := range text {
		switch {
		case r == '\u3000':
			return say("全角空格", "a full-width space")
		case r == '\u00a0':
			return say("不换行空格", "a no-break space")
		case spelling.IsInvisible(r):
			return say("看不见的字符 %U", "the invisible character %U", r)
		}
	}
	return say(" %s ", "%s", text)
}

// instead says that one of these should stand there.
func instead(found, meant string) message {
	what := visible(found)
	switch meant {
	case "":
		return say("这里是%[1]s，请删去。", "Found %[2]s; remove it.", what.Chinese, what.English)
	case " ":
		return say("这里是%[1]s，应为普通的空格。", "Found %[2]s, expected a plain space.", what.Chinese, what.English)
	}
	return say("这里是%[1]s，应为英文的 %[3]s 。", "Found %[2]s, expected %[3]s.", what.Chinese, what.English, meant)
}
