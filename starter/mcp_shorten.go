package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/text"
)

// mostAnswerBytes bounds the JSON of an answer, so that several fit into what an assistant
// can take in.
const mostAnswerBytes = 32_000

// leftOff is a list or a text of an answer that was cut, or several of the same place.
// They had Of items or bytes together, of which the first are shown.
type leftOff struct {
	// Place is as in rows[].differences; "" is the answer itself.
	Place string `json:"place"`
	Shown int    `json:"shown"`
	Of    int    `json:"of"`
}

func (l leftOff) String() string { return fmt.Sprintf("%s: %d/%d", l.Place, l.Shown, l.Of) }

// shorten gives an answer as compact JSON of mostAnswerBytes at most. One that is longer
// loses the ends of its longest lists and texts.
func shorten(answer []byte) (json.RawMessage, []leftOff, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, answer); err != nil {
		return nil, nil, err
	}
	if compact.Len() <= mostAnswerBytes {
		return compact.Bytes(), nil, nil
	}
	decoder := json.NewDecoder(&compact)
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, nil, err
	}
	for items := 1000; items > 0; items = items * 3 / 4 {
		c := cutter{items: items, left: map[string]leftOff{}}
		var short bytes.Buffer
		encoder := json.NewEncoder(&short)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(c.cut(value, "")); err != nil {
			return nil, nil, err
		}
		if short.Len() <= mostAnswerBytes {
			return bytes.TrimSpace(short.Bytes()), c.leftOff(), nil
		}
	}
	return nil, nil, text.Errorf("the answer is too long for an assistant; ask for less")
}

// cutter cuts lists to a number of items, and texts to some bytes for each of these.
type cutter struct {
	items int
	left  map[string]leftOff // by place
}

const textPerItem = 100

func (c cutter) cut(value any, place string) any {
	switch value := value.(type) {
	case map[string]any:
		short := make(map[string]any, len(value))
		for name, member := range value {
			short[name] = c.cut(member, strings.TrimPrefix(place+"."+name, "."))
		}
		return short
	case []any:
		short := make([]any, 0, c.items)
		for _, item := range value[:min(len(value), c.items)] {
			short = append(short, c.cut(item, place+"[]"))
		}
		c.note(place, len(short), len(value))
		return short
	case string:
		short := value
		if most := c.items * textPerItem; len(value) > most {
			short = strings.ToValidUTF8(value[:most], "")
		}
		c.note(place, len(short), len(value))
		return short
	}
	return value
}

// note counts what a place had, cut or not; a place of which nothing was cut is no news.
func (c cutter) note(place string, shown, of int) {
	left := c.left[place]
	c.left[place] = leftOff{Place: place, Shown: left.Shown + shown, Of: left.Of + of}
}

func (c cutter) leftOff() (all []leftOff) {
	for _, place := range slices.Sorted(maps.Keys(c.left)) {
		if left := c.left[place]; left.Shown < left.Of {
			all = append(all, left)
		}
	}
	return all
}
