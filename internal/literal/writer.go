package literal

import (
	"io"
	"sync"
	"unicode/utf8"
)

// Writer escapes what is written to a terminal as [Terminal] does. A character that is
// split between two writes is handled as well: its first bytes wait for the second
// write. Writer is safe for concurrent use.
type Writer struct {
	To    io.Writer
	mutex sync.Mutex
	rest  []byte
}

func (w *Writer) Write(text []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	whole := append(w.rest, text...)
	end := len(whole)
	for back := 1; back <= min(utf8.UTFMax, len(whole)); back++ {
		if start := len(whole) - back; utf8.RuneStart(whole[start]) {
			if !utf8.FullRune(whole[start:]) || whole[start] == '\r' && back == 1 {
				end = start
			}
			break
		}
	}
	w.rest = append([]byte(nil), whole[end:]...)
	if _, err := io.WriteString(w.To, Terminal(string(whole[:end]))); err != nil {
		return 0, err
	}
	return len(text), nil
}
