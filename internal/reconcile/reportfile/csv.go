package reportfile

import (
	"bufio"
	"encoding/csv"
	"io"
	"iter"
	"strconv"

	"github.com/shopspring/decimal"

	"refundsync/internal/literal"
	"refundsync/internal/reconcile"
)

// writeCSV writes all rows with their outcome, as Excel opens them correctly: UTF-8 with a
// byte-order mark, and CRLF. Numbers are plain, such as -1234.50. Ids are the formula
// ="700000346001234567", a constant, as in the list of parked orders: anything else that
// Excel keeps as text, such as a leading ' or tab, stays visible as a part of the id, and
// without it Excel makes 7E+17 of the id. Other texts that could be formulas are escaped.
func writeCSV(w io.Writer, r reconcile.Report, rows iter.Seq2[reconcile.Row, error]) error {
	buffer := bufio.NewWriter(w)
	if _, err := buffer.WriteString("\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(buffer)
	out.UseCRLF = true
	all := everything(r)
	var heads []string
	for _, c := range all.columns {
		heads = append(heads, literal.CSV(c.head.String()))
	}
	if err := out.Write(heads); err != nil {
		return err
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		for _, line := range all.lines(row) {
			fields := make([]string, len(line))
			for i, c := range line {
				fields[i] = forCSV(c.value)
			}
			if err := out.Write(fields); err != nil {
				return err
			}
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	return buffer.Flush()
}

func forCSV(value any) string {
	switch v := value.(type) {
	case id:
		if v == "" {
			return ""
		}
		return literal.CSVText(string(v))
	case string:
		return literal.CSV(v)
	case long:
		return literal.CSV(string(v))
	case day:
		return literal.CSV(string(v))
	case amount:
		return fixed(decimal.Decimal(v))
	case decimal.Decimal:
		return v.String()
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

// fixed writes money with two places, or with more if it has more.
func fixed(d decimal.Decimal) string {
	if d.Equal(d.Round(2)) {
		return d.StringFixed(2)
	}
	return d.String()
}
