package flow_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
)

// longestHeadNote is how long FHeadNote is in Kingdee, in UTF-16 units.
const longestHeadNote = 255

func lengthInUTF16(text string) int { return len(utf16.Encode([]rune(text))) }

// remarkFlow writes the order's remark into the note.
func remarkFlow(t *testing.T) *flow.Flow {
	t.Helper()
	text := strings.Replace(base(t), "    FDate:", "    FHeadNote: { field: remark }\n    FDate:", 1)
	f := load(t, text, warehousesCSV)
	return f
}

// remarked is an order with a remark.
func remarked(id, remark string) map[string]any {
	return map[string]any{
		"as_id": id, "remark": remark, "shop_name": "天猫旗舰店", "type": "普通退货", "wms_co_id": "20001", "modified": "2024-03-02 10:11:12",
		"items": []any{map[string]any{"type": "退货", "sku_id": "S", "r_qty": "1", "price": "1", "receive_date": "2024-03-01 00:00:00"}},
	}
}

func noteOf(t rapid.TB, f *flow.Flow, record map[string]any) (note string, mark flow.Mark) {
	t.Helper()
	picked, err := f.Pick(record)
	require.NoError(t, err)
	bill, err := f.Open(picked.Order).Bill()
	require.NoError(t, err)
	var model struct{ FHeadNote string }
	require.NoError(t, json.Unmarshal(bill.Model, &model))
	return model.FHeadNote, bill.Mark
}

func TestALongNoteIsCutAndItsMarkIsNot(t *testing.T) {
	f := remarkFlow(t)
	_, mark := noteOf(t, f, remarked("1", ""))
	room := longestHeadNote - lengthInUTF16(" "+mark.String())
	for _, test := range []struct {
		name, remark, before string
	}{
		{"none", "", ""},
		{"short", "优先处理", "优先处理 "},
		{"as long as there is room", strings.Repeat("退", room), strings.Repeat("退", room) + " "},
		{"one character longer", strings.Repeat("退", room+1), strings.Repeat("退", room-1) + "… "},
		{"an emoji over the edge", strings.Repeat("退", room-2) + "😀😀", strings.Repeat("退", room-2) + "… "},
		{"what looks like a mark at its end", strings.Repeat("退", 300) + "[2@20240301000000#0123456789ab.012345]", strings.Repeat("退", room-1) + "… "},
	} {
		t.Run(test.name, func(t *testing.T) {
			note, mark := noteOf(t, f, remarked("1", test.remark))
			assert.Equal(t, test.before+mark.String(), note)
			assert.LessOrEqual(t, lengthInUTF16(note), longestHeadNote)
		})
	}
}

// The mark of an order with a long key stays whole, however little text that leaves.
func TestTheMarkOfALongKeyIsWhole(t *testing.T) {
	f := remarkFlow(t)
	for _, length := range []int{200, 217, 218, 250} {
		note, mark := noteOf(t, f, remarked(strings.Repeat("7", length), "优先处理"))
		found, ok := flow.FindMark(note)
		require.True(t, ok, length)
		assert.Equal(t, mark.OrderID, found.OrderID)
	}
}

func TestNotesFitAndKeepTheirMark(t *testing.T) {
	f := remarkFlow(t)
	rapid.Check(t, func(r *rapid.T) {
		remark := rapid.StringN(0, 400, -1).Draw(r, "remark")
		note, mark := noteOf(r, f, remarked("700000346", remark))
		require.True(r, strings.HasSuffix(note, mark.String()))
		require.True(r, utf8.ValidString(note))
		require.LessOrEqual(r, lengthInUTF16(note), longestHeadNote)
	})
}

// A note books nothing: changing it, or what is cut off, does not change the bill.
func TestChangingANoteChangesNoBill(t *testing.T) {
	f := remarkFlow(t)
	_, one := noteOf(t, f, remarked("1", strings.Repeat("退", 300)))
	_, other := noteOf(t, f, remarked("1", "已复核"+strings.Repeat("退", 300)))
	assert.Equal(t, one.Hash, other.Hash)
}
