package kingdee

import (
	"net/http"
	"testing"
	"unicode/utf8"

	"refundsync/internal/fault"
)

func checkFault(t *testing.T, err error) {
	f := fault.As(err)
	if f == nil {
		t.Fatalf("not a fault: %v", err)
	}
	if f.Reason == "" || f.What().IsZero() || f.Advice.String() == "" || f.System.String() == "" || f.Call == "" {
		t.Fatalf("an error that does not say enough: %#v", f)
	}
	if utf8.RuneCountInString(f.Error()) > 5000 {
		t.Fatalf("an error of %d characters", len(f.Error()))
	}
}

func FuzzDecodeResults(f *testing.F) {
	for _, reply := range []string{
		savedReply, lostReply, lostQueryReply, ``, `null`, `{"Result":null}`,
		status(`"MsgCode":"11","Errors":[{"FieldName":"FBillNo","Message":"` + duplicateText + `","DIndex":"1"},null],"SuccessEntitys":[{"Id":"7","Number":5,"DIndex":0}]`),
		status(`"MsgCode":13,"Errors":[{"Message":"` + conflictText + `"}],"SuccessEntitys":null`),
		`{"Result":"{\"ResponseStatus\":{\"Errors\":[\"x\",{}]}}"}`, `[{"Errors":"x"}]`, `"` + `{\"MsgCode\":1}` + `"`,
	} {
		f.Add([]byte(reply), uint8(2))
	}
	f.Fuzz(func(t *testing.T, raw []byte, count uint8) {
		numbers := make([]string, 1+count%8)
		for i := range numbers {
			numbers[i] = string(rune('A' + i))
		}
		for _, place := range []place{byIndex, byNumber(numbers)} {
			results, err := decodeResults("BatchSave", raw, len(numbers), place)
			if err != nil {
				checkFault(t, err)
				continue
			}
			if len(results) != len(numbers) {
				t.Fatalf("%d results for %d bills", len(results), len(numbers))
			}
			for _, result := range results {
				if result.Err == nil && result.ID == "" {
					t.Fatal("a success without an id")
				}
				if result.Err != nil {
					checkFault(t, result.Err)
					if class := fault.As(result.Err).Class; class != fault.Final && class != fault.Retry {
						t.Fatalf("a bill of class %s", class)
					}
				}
			}
		}
	})
}

func FuzzDecodeRows(f *testing.F) {
	for _, reply := range []string{`[]`, `[[1,"RT100","A","A",null,"x"],["2",null,true,1,"",[]]]`, lostQueryReply, lostReply, `[[{}]]`, `[[]]`, `null`} {
		f.Add([]byte(reply))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		rows, err := decodeRows(raw)
		if err != nil {
			checkFault(t, err)
			return
		}
		if rows == nil {
			t.Fatal("neither rows nor an error")
		}
		bills, err := returns.readBills(rows)
		if err != nil {
			checkFault(t, err)
		}
		for _, bill := range bills {
			if bill.ID == "" || bill.Number == "" {
				t.Fatalf("%+v", bill)
			}
		}
	})
}

func FuzzDecodeLogin(f *testing.F) {
	for _, reply := range []string{loggedInReply, `{"LoginResultType":"1"}`, `{"LoginResultType":0,"Message":"密码错误"}`, lostReply, `[]`, `null`} {
		f.Add([]byte(reply))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := decodeLogin("ValidateUser", raw); err != nil {
			checkFault(t, err)
			if fault.Is(err, fault.SessionLost) {
				t.Fatal("a login has no session to lose")
			}
		}
	})
}

func FuzzTextFailure(f *testing.F) {
	for _, reply := range []string{`response_error:{"Message":"超时","InnerExWrapper":null}`, `response_error:`, ` response_error: boom`, savedReply, `<html>&amp;<br></html>`, `{"errcode":4002,"description":"signature invalid"}`, `"\"[]\""`} {
		f.Add([]byte(reply))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if failure := textFailure("BatchSave", unwrap(raw)); failure != nil {
			checkFault(t, failure)
		}
		checkFault(t, httpFailure("BatchSave", &http.Response{StatusCode: 519}, unwrap(raw)))
	})
}
