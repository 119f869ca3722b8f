package main

import (
	"context"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/setup"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// Forms of base data that tables lead to, with the fields that identify their entries.
const (
	customerForm, customerKey   = "BD_Customer", "FCUSTID"
	stockForm, stockKey         = "BD_STOCK", "FStockId"
	materialForm, materialKey   = "BD_MATERIAL", "FMATERIALID"
	baseUnit                    = "FBaseUnitId.FNumber"
	baseDataName, itemNameField = "FName", "name"
)

// setupTable is a table that is written anew.
type setupTable struct {
	table    *flow.Table
	form     string // of the base data that it leads to
	fallback string // its default, as the flow file has it
	// codes are those that orders have or Jushuitan lists, seen the orders of each.
	codes []setup.Entry
	seen  map[string]int
	rows  []setup.Row
	// left are the rows that nobody decided, or that were left out.
	left []setup.Row
	// targets are the entries in Kingdee that rows may lead to, as far as they are listed.
	targets []setup.Entry
	// introduced: a person has been told what the table is for.
	introduced bool
}

// leftOut says what becomes of orders with a code that is left out.
func (t *setupTable) leftOut() text.Text {
	switch t.fallback {
	case "":
		return text.New("If a code is left out, its orders are parked until it has a row.")
	case "pass":
		return text.New("If a code is left out, it goes to Kingdee as it is; if Kingdee does not know it, its orders are parked.")
	}
	return text.New("If a code is left out, it becomes the default, %s.", t.fallback)
}

// fillTables finds the rows of the tables, and asks about those in doubt.
func (s *setupRun) fillTables(ctx context.Context) error {
	for _, field := range s.flow.SentFields() {
		known := slices.Contains([]string{customerForm, stockForm, materialForm, unitForm}, field.LookUp)
		if t := field.Table; t != nil && t.Kingdee == nil && known && s.tableOf(t.Name) == nil {
			s.tables = append(s.tables, &setupTable{table: t, form: field.LookUp, seen: map[string]int{}})
		}
	}
	// Without rows and defaults, every code of an order is one that the table lacks.
	for _, t := range s.tables {
		switch t.fallback = t.table.Default; {
		case t.table.Pass:
			t.fallback = "pass"
		case t.form == unitForm && t.fallback != "":
			t.fallback = s.answers.Codes[codeNames[unitForm]]
		}
		t.table.Rows, t.table.Default, t.table.Pass = map[string]string{}, "", false
	}
	names := s.readOrders(ctx)
	s.readLists(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, t := range s.tables {
		for i := range t.codes {
			if name := names[t.codes[i].Code]; name != "" && (t.form == materialForm || t.form == unitForm) {
				t.codes[i].Name = name
			}
		}
		if err := s.propose(ctx, t); err != nil {
			return err
		}
		if err := s.decide(ctx, t); err != nil {
			return err
		}
		say(s.out, "✓ "+text.Sprintf("Table %s: rows: %d, codes left out: %d", t.table.Name, len(t.rows), len(t.left)))
	}
	return nil
}

func (s *setupRun) tableOf(name string) *setupTable {
	i := slices.IndexFunc(s.tables, func(t *setupTable) bool { return t.table.Name == name })
	if i < 0 {
		return nil
	}
	return s.tables[i]
}

// readOrders notes the codes of the last days' orders, and gives the names of items.
func (s *setupRun) readOrders(ctx context.Context) map[string]string {
	names := map[string]string{}
	if s.days == 0 {
		return names
	}
	say(s.out, text.Sprintf("Reading the orders of the last %d days…", s.days))
	reading, cancel := context.WithTimeout(ctx, codesTimeout)
	defer cancel()
	source := s.flow.Source.Interface
	now := time.Now().Truncate(time.Second)
	span := workflows.Window{From: now.AddDate(0, 0, -s.days), To: now}
	read := 0
	err := sourceOrders(reading, s.source, s.flow, span, func(record map[string]any) error {
		read++
		picked, err := s.flow.Pick(record)
		if err != nil {
			return err
		}
		if _, leftOut, err := picked.Skip(); err == nil && leftOut {
			return nil
		}
		for _, code := range picked.UnlistedCodes() {
			if t := s.tableOf(code.Table.Name); t != nil && code.Code != "" {
				t.add(setup.Entry{Code: code.Code})
				t.seen[code.Code]++
			}
		}
		lines, _ := catalog.Rows(record[string(catalog.Items)], source.Source.LineKey)
		for _, line := range lines {
			if fields, ok := line.(map[string]any); ok {
				names[jushuitan.FieldText(fields, source.Source.Item)] = jushuitan.FieldText(fields, itemNameField)
			}
		}
		return nil
	})
	if err != nil {
		s.warn(ctx, text.New("Not all orders could be read, so codes may be missing: %v", err))
	}
	say(s.out, "✓ "+text.Sprintf("Orders read: %d", read))
	return names
}

// add notes a code once; a name is added to one that had none.
func (t *setupTable) add(entry setup.Entry) {
	i := slices.IndexFunc(t.codes, func(e setup.Entry) bool { return flow.PlainCode(e.Code) == flow.PlainCode(entry.Code) })
	switch {
	case i < 0:
		t.codes = append(t.codes, entry)
	case t.codes[i].Name == "":
		t.codes[i].Name = entry.Name
	}
}

// readLists notes the shops and warehouses that the open platform lists.
func (s *setupRun) readLists(ctx context.Context) {
	if s.settings()["JUSHUITAN_OPEN_APP_KEY"] == "" {
		return
	}
	source := s.flow.Source.Interface
	// The shop's number, where orders do not have its name.
	numbered := strings.HasSuffix(source.Source.Shop, "_id")
	refused := map[string]bool{}
	for _, list := range []struct {
		form   string
		byName bool // orders name it; otherwise they have its id
		read   func(context.Context) ([]jushuitan.Named, error)
	}{
		{customerForm, !numbered, s.source.Shops},
		{stockForm, false, s.source.Warehouses},
	} {
		var named []jushuitan.Named
		err := within(ctx, func(ctx context.Context) (err error) {
			named, err = list.read(ctx)
			return err
		})
		if err != nil {
			// One cause is mostly that of both.
			if !refused[err.Error()] {
				s.warn(ctx, text.New("Shops or warehouses can't be listed; the tables have those of the orders alone: %v", err))
			}
			refused[err.Error()] = true
			continue
		}
		for _, t := range s.tables {
			for _, one := range named {
				entry := setup.Entry{Code: one.ID, Name: one.Name}
				if list.byName {
					entry.Code = one.Name
				}
				if t.form == list.form {
					t.add(entry)
				}
			}
		}
	}
}

// propose fills in the rows of a table.
func (s *setupRun) propose(ctx context.Context, t *setupTable) (err error) {
	var targets []setup.Entry
	codes := t.codes
	switch t.form {
	case customerForm:
		targets, err = s.baseData(ctx, customerForm, customerKey, "")
	case stockForm:
		targets, err = s.baseData(ctx, stockForm, stockKey, "")
	case materialForm:
		codes, targets, err = s.materials(ctx, t)
	case unitForm:
		t.rows, err = s.units(ctx, t)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		s.warn(ctx, text.New("Nothing is proposed for table %s: %v", t.table.Name, err))
	}
	if t.form == customerForm || t.form == stockForm {
		t.targets = targets
	}
	if t.form != unitForm {
		t.rows = setup.Propose(codes, targets)
	}
	return nil
}

// baseData lists the entries of a form that the organisation uses.
func (s *setupRun) baseData(ctx context.Context, form, key, where string) (entries []setup.Entry, err error) {
	filter := s.organisationFilter(form)
	if where != "" && filter != "" {
		filter += " and "
	}
	ctx, cancel := context.WithTimeout(ctx, codesTimeout)
	defer cancel()
	found, err := s.ledger.BaseData(ctx, kingdee.BaseDataQuery{FormID: form, Key: key, By: baseDataName, Value: kingdee.NumberColumn, Where: filter + where})
	for _, entry := range found {
		if !entry.Disabled {
			entries = append(entries, setup.Entry{Code: entry.Value, Name: entry.By})
		}
	}
	return entries, err
}

func (s *setupRun) organisationFilter(form string) string {
	organisation := s.answers.Codes[codeNames[organisationForm]]
	if organisation == "" || s.flow.Form.Form.Users[form] == "" {
		return ""
	}
	return kingdee.OrganisationColumn + " = " + quoted(organisation)
}

// quoted is a literal of Kingdee's filters.
func quoted(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }

// found gives the entries of these numbers that can be used, with a column.
func (s *setupRun) found(ctx context.Context, form string, numbers []string, column string) (map[string]string, error) {
	values := map[string]string{}
	if len(numbers) == 0 {
		return values, nil
	}
	query := kingdee.EntryQuery{FormID: form, Numbers: numbers, Columns: []string{"FForbidStatus", "FDocumentStatus", column}}
	if organisation := s.answers.Codes[codeNames[organisationForm]]; organisation != "" && s.flow.Form.Form.Users[form] != "" {
		query.Columns = append(query.Columns, kingdee.OrganisationColumn)
		query.Organisations = []string{organisation}
	}
	ctx, cancel := context.WithTimeout(ctx, codesTimeout)
	defer cancel()
	entries, _, err := s.ledger.Entries(ctx, query)
	for _, entry := range entries {
		if usable(entry) {
			values[entry[kingdee.NumberColumn]] = entry[column]
		}
	}
	return values, err
}

// materials are the items that are no material's number, if others need no row, and the
// materials of their names.
func (s *setupRun) materials(ctx context.Context, t *setupTable) (codes, targets []setup.Entry, err error) {
	var numbers []string
	for _, code := range t.codes {
		numbers = append(numbers, code.Code)
	}
	known, err := s.found(ctx, materialForm, numbers, baseDataName)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for _, code := range t.codes {
		name, ok := known[code.Code]
		switch {
		case !ok:
			codes = append(codes, code)
			if code.Name != "" {
				names = append(names, quoted(code.Name))
			}
		case t.fallback != "pass":
			codes = append(codes, code)
			targets = append(targets, setup.Entry{Code: code.Code, Name: name})
		}
	}
	slices.Sort(names)
	for some := range slices.Chunk(slices.Compact(names), kingdee.MostNumbers) {
		found, err := s.baseData(ctx, materialForm, materialKey, baseDataName+" in ("+strings.Join(some, ",")+")")
		if err != nil {
			return codes, targets, err
		}
		targets = append(targets, found...)
	}
	return codes, targets, nil
}

// units are the items whose material has another base unit than the default. Whether
// Jushuitan counts them in it, only people know.
func (s *setupRun) units(ctx context.Context, t *setupTable) (rows []setup.Row, err error) {
	material := map[string]string{}
	for _, other := range s.tables {
		if other.form == materialForm {
			for _, row := range other.rows {
				material[row.Code] = row.Target.Code
			}
		}
	}
	var numbers []string
	for _, code := range t.codes {
		if material[code.Code] == "" {
			material[code.Code] = code.Code
		}
		numbers = append(numbers, material[code.Code])
	}
	units, err := s.found(ctx, materialForm, numbers, baseUnit)
	for _, code := range t.codes {
		if unit := units[material[code.Code]]; unit != "" && unit != t.fallback {
			rows = append(rows, setup.Row{Entry: code, Target: setup.Entry{Code: unit}, Doubt: text.New("this is the material's base unit in Kingdee")})
		}
	}
	return rows, err
}

// decide keeps the rows that are sure or answered, and asks about the others. A code that no
// order has, and for which nothing is proposed, is not asked about.
func (s *setupRun) decide(ctx context.Context, t *setupTable) error {
	proposed := t.rows
	t.rows = nil
	listed := map[string]bool{}
	for _, row := range proposed {
		listed[row.Code] = true
		row, err := s.decideRow(ctx, t, row)
		if err != nil {
			return err
		}
		t.keep(row)
	}
	answered := s.answers.Rows[t.table.Name]
	for _, code := range slices.Sorted(maps.Keys(answered)) {
		if !listed[code] {
			row, err := s.decideRow(ctx, t, setup.Row{Entry: setup.Entry{Code: code}, Doubt: text.New("no order of the last days has this code")})
			if err != nil {
				return err
			}
			t.keep(row)
		}
	}
	// So that a run over newer orders writes the same file.
	slices.SortFunc(t.rows, func(a, b setup.Row) int { return strings.Compare(a.Code, b.Code) })
	return nil
}

func (t *setupTable) keep(row setup.Row) {
	if row.Sure() {
		t.rows = append(t.rows, row)
	} else {
		t.left = append(t.left, row)
	}
}

func (s *setupRun) decideRow(ctx context.Context, t *setupTable, row setup.Row) (setup.Row, error) {
	table := t.table.Name
	answer, answered := s.answers.Rows[table][row.Code]
	ask := !answered && !row.Sure() && (row.Target.Code != "" || t.seen[row.Code] > 0)
	for {
		if answered && answer != "" {
			target, err := s.target(ctx, t, answer)
			if err == nil {
				row.Target, row.Doubt = target, text.Text{}
				return row, nil
			}
			say(s.out, "✗ "+err.Error())
			ask = true
		}
		if answered && answer == "" {
			row.Target, row.Doubt = setup.Entry{}, text.New("left out, as you chose")
			return row, nil
		}
		if !ask || s.ended {
			return row, nil
		}
		s.introduce(t)
		question := text.New("%s (orders: %d): %s. Its code in Kingdee", row.Entry.String(), t.seen[row.Code], row.Doubt)
		prompt := text.New("(optional, Enter leaves it out)")
		if row.Target.Code != "" {
			question = text.New("%s (orders: %d) → %s? (%s)", row.Entry.String(), t.seen[row.Code], row.Target.String(), row.Doubt)
			prompt = text.New("(y, another code, or Enter leaves it out)")
		}
		given, err := s.ask(ctx, question.String(), prompt.String(), false)
		if err != nil {
			return row, err
		}
		if s.ended && given == "" {
			return row, nil
		}
		if row.Target.Code != "" && isYes(given) {
			given = row.Target.Code
		}
		answer, answered = given, true
		if given != "" {
			if _, err := s.target(ctx, t, given); err != nil {
				continue
			}
		}
		s.answers.SetRow(table, row.Code, given)
		if err := s.save(); err != nil {
			return row, err
		}
	}
}

// introduce says, before the first question about a table, what the answers are for.
func (s *setupRun) introduce(t *setupTable) {
	if t.introduced {
		return
	}
	t.introduced = true
	say(s.out, "\n"+text.Sprintf("Table %s (%s). %s", t.table.Name, t.form, t.leftOut()))
	if len(t.targets) > 0 {
		say(s.out, text.Sprintf("In Kingdee: %s", listOf(t.targets)))
	}
}

// target is a code of Kingdee that a person has given.
func (s *setupRun) target(ctx context.Context, t *setupTable, code string) (setup.Entry, error) {
	names, err := s.found(ctx, t.form, []string{code}, baseDataName)
	if err != nil {
		return setup.Entry{}, err
	}
	name, ok := names[code]
	if !ok {
		return setup.Entry{}, text.Errorf("%s has no %q that can be used", t.form, code)
	}
	return setup.Entry{Code: code, Name: name}, nil
}

// write writes the flow and its tables.
func (s *setupRun) write(ctx context.Context) error {
	files, err := s.files()
	if err != nil {
		return err
	}
	var there []string
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if old, err := os.ReadFile(path); err == nil && string(old) != files[path] {
			there = append(there, path)
		}
	}
	overwrite := s.answers.Overwrite != nil && *s.answers.Overwrite
	if len(there) > 0 && !overwrite {
		answer, err := s.ask(ctx, text.Sprintf("There already, with other content: %s. Write them anew?", strings.Join(there, ", ")), text.Sprintf("(y, or Enter keeps them)"), false)
		if err != nil {
			return err
		}
		overwrite = isYes(answer)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if slices.Contains(there, path) && !overwrite {
			say(s.out, "! "+text.Sprintf("Kept %s.", path))
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(files[path]), 0o644); err != nil {
			return err
		}
		say(s.out, text.Sprintf("Wrote %s.", path))
	}
	for _, t := range s.tables {
		for _, row := range t.left {
			say(s.out, "! "+text.Sprintf("Not in table %s: %s (orders: %d): %s", t.table.Name, row.Entry.String(), t.seen[row.Code], row.Doubt))
		}
		if len(t.left) > 0 {
			say(s.out, "  "+t.leftOut().String())
		}
	}
	return nil
}

// files are the flow, its tables, and what it has beside it, by path.
func (s *setupRun) files() (map[string]string, error) {
	template := s.flow.Files[0]
	content, files := template.Text, map[string]string{}
	for _, file := range s.flow.Files[1:] {
		if slices.ContainsFunc(s.tables, func(t *setupTable) bool { return t.table.File == file.Name }) {
			continue
		}
		extension := path.Ext(file.Name)
		name := s.named(strings.TrimSuffix(file.Name, extension)) + extension
		content = setup.SetFile(content, file.Name, name)
		files[s.path("flows", filepath.FromSlash(name))] = file.Text
	}
	content, err := s.ofCompany(content)
	if err != nil {
		return nil, err
	}
	for _, constant := range s.constants {
		if content, err = setup.SetConstant(content, constant.field.Name, s.answers.Codes[constant.code], constant.label.String()); err != nil {
			return nil, err
		}
	}
	for _, t := range s.tables {
		name := "tables/" + s.named(t.table.Name) + ".csv"
		if content, err = setup.SetTable(content, t.table.Name, name, t.fallback); err != nil {
			return nil, err
		}
		rows, err := setup.TableFile(t.rows)
		if err != nil {
			return nil, err
		}
		files[s.path("flows", filepath.FromSlash(name))] = string(rows)
	}
	extension := filepath.Ext(template.Name)
	files[s.path("flows", s.named(strings.TrimSuffix(template.Name, extension))+extension)] = content
	const schema = "refundsync.schema.json"
	if data, err := os.ReadFile(filepath.Join(filepath.Dir(s.answers.Template), schema)); err == nil {
		files[s.path("flows", schema)] = string(data)
	}
	return files, nil
}

// ofCompany makes a flow file one of the company: its name, and if need be its numbers.
func (s *setupRun) ofCompany(content string) (string, error) {
	company := s.answers.Company
	if company == "" {
		return content, nil
	}
	content, err := setup.SetCompany(content, s.named(s.flow.Name), company)
	if err != nil {
		return "", err
	}
	for _, name := range sortedNames(s.others) {
		other := s.others[name]
		if s.env.Of(other.Company).LoadAccounts().AcctID != s.settings().LoadAccounts().AcctID || !flowfile.ShareNumbers(other, s.flow) {
			continue
		}
		prefix := strings.ToUpper(company)
		say(s.out, "! "+text.Sprintf("The flow %s saves bills in the same data centre, so the numbers of this company's begin with %s.", name, prefix))
		return setup.SetPrefix(content, s.flow.Form.Form.Number, prefix)
	}
	return content, nil
}
