package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"refundsync/internal/catalog"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

func newCatalogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "catalog",
		Short: text.Sprintf("Look up the vendors' interfaces that flows read from and save to"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newCatalogListCommand(), newCatalogShowCommand(), newCatalogFieldsCommand())
	return cmd
}

func newCatalogListCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:     "list",
		Short:   text.Sprintf("List the interfaces of the catalog"),
		Example: `  starter catalog list`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			listed := listInterfaces()
			if o == outputJSON {
				return writeJSON(cmd.OutOrStdout(), listed)
			}
			t := newTable(cmd.OutOrStdout())
			t.AppendHeader(table.Row{text.New("interface"), text.New("what it is"), text.New("system"), text.New("called through"), text.New("direction")})
			t.keepWhole(1)
			t.mayDrop(3)
			for _, l := range listed {
				i := catalog.All()[l.Name]
				t.AppendRow(table.Row{i.Name, i.Title(), i.SystemLabel(), i.TransportLabel(), i.DirectionLabel()})
			}
			t.Render()
			return nil
		},
	}
	addOutputFlag(cmd, &o)
	return cmd
}

// listedInterface is what `-o json` prints of an interface.
type listedInterface struct {
	Name    string `json:"name"`
	Chinese string `json:"chinese"`
	English string `json:"english"`
	System  string `json:"system"`
	// Transport is the way in which it is called.
	Transport string `json:"transport"`
	// Direction is catalog.Reads or catalog.Saves.
	Direction string `json:"direction"`
	// Fields and Facts count them.
	Fields int `json:"fields"`
	Facts  int `json:"facts"`
}

func listInterfaces() []listedInterface {
	var listed []listedInterface
	for _, name := range interfaceNames() {
		i := catalog.All()[name]
		l := listedInterface{Name: i.Name, Chinese: i.Chinese, English: i.English, System: i.System, Transport: i.Transport, Direction: i.Direction(), Facts: len(i.Facts)}
		for _, fields := range i.Fields {
			l.Fields += len(fields)
		}
		listed = append(listed, l)
	}
	return listed
}

func newCatalogShowCommand() *cobra.Command {
	return newInterfaceCommand(&cobra.Command{
		Use:     "show METHOD",
		Short:   text.Sprintf("Show how an interface is called, its limits, and what is known of it"),
		Example: `  starter catalog show jushuitan.refund.list.query`,
	}, printInterface, interfaceJSON)
}

func newCatalogFieldsCommand() *cobra.Command {
	return newInterfaceCommand(&cobra.Command{
		Use:     "fields METHOD",
		Short:   text.Sprintf("Show the fields of an interface: type, values, and how each is known"),
		Example: `  starter catalog fields SAL_RETURNSTOCK`,
	}, printFields, fieldsJSON)
}

// newInterfaceCommand completes a command about one interface.
func newInterfaceCommand(cmd *cobra.Command, print func(io.Writer, *catalog.Interface), asJSON func(*catalog.Interface) (any, error)) *cobra.Command {
	var o output
	cmd.Args = cobra.ExactArgs(1)
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []cobra.Completion
		for _, name := range interfaceNames() {
			names = append(names, cobra.CompletionWithDesc(name, catalog.All()[name].Title()))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		i, err := findInterface(args[0])
		if err != nil {
			return usageError(cmd, err)
		}
		if o == outputJSON {
			shown, err := asJSON(i)
			if err != nil {
				return err
			}
			return writeJSON(cmd.OutOrStdout(), shown)
		}
		print(cmd.OutOrStdout(), i)
		return nil
	}
	addOutputFlag(cmd, &o)
	return cmd
}

// findInterface looks an interface up; its error says which was meant, or which there are.
func findInterface(name string) (*catalog.Interface, error) {
	if i, ok := catalog.All()[name]; ok {
		return i, nil
	}
	known := interfaceNames()
	said := text.New("There is no interface %q.", name)
	if meant := spelling.Closest(name, known); meant != "" {
		return nil, text.Errorf("%s", spelling.Suggest(said, meant))
	}
	return nil, text.Errorf("%s The interfaces are: %s", said, strings.Join(known, ", "))
}

// interfaceNames are those that orders are read from, then the forms.
func interfaceNames() []string { return slices.Concat(catalog.Sources(), catalog.Forms()) }

func printInterface(w io.Writer, i *catalog.Interface) {
	t := newTable(w)
	t.SetTitle("%s · %s", i.Name, i.Title())
	for _, property := range i.Properties() {
		t.AppendRow(table.Row{property.Name, lines(property.Values)})
	}
	t.Render()
	if len(i.Facts) == 0 {
		return
	}
	t = newTable(w)
	t.SetTitle("\n%s", text.New("What is known of it"))
	t.AppendHeader(table.Row{text.New("fact"), text.New("how it is known")})
	for _, fact := range i.Facts {
		t.AppendRow(table.Row{fact, text.Join("\n", fact.Origin.Label(), fact.Origin.Meaning())})
		t.AppendSeparator()
	}
	t.Render()
}

// lines puts each text on a line of its own.
func lines(texts []text.Text) string {
	var all []string
	for _, each := range texts {
		all = append(all, each.String())
	}
	return strings.Join(all, "\n")
}

func printFields(w io.Writer, i *catalog.Interface) {
	for n, place := range i.Places() {
		t := newTable(w)
		title := fmt.Sprintf("%s · %s", i.Name, i.Label(place))
		if n > 0 {
			title = "\n" + title
		}
		t.SetTitle("%s", title)
		t.AppendHeader(table.Row{text.New("field"), text.New("label"), text.New("type"), text.New("required"), text.New("values"), text.New("how it is known")})
		t.keepWhole(1)
		t.mayDrop(6, 3)
		for _, field := range i.Fields[place] {
			required := ""
			if field.Required {
				required = yesOrNo(true)
			}
			var values []string
			for _, value := range slices.Sorted(maps.Keys(field.Values)) {
				values = append(values, fieldValue(value, field.Values[value]))
			}
			t.AppendRow(table.Row{field.Name, fieldLabel(field), field.Type.Label(), required, strings.Join(values, "\n"), field.Origin.Label()})
		}
		t.Render()
	}
}

// fieldLabel is the vendor's label, with what it means in the language of the program.
func fieldLabel(field catalog.Field) string {
	if title := field.Title(); title != field.Chinese {
		return field.Chinese + "\n" + title
	}
	return field.Chinese
}

// fieldValue is a value with its meaning, if that says more.
func fieldValue(value, meaning string) string {
	if value == meaning {
		return value
	}
	return value + " " + meaning
}

// interfaceJSON has the keys of the catalog's files, and the direction; without fields.
func interfaceJSON(i *catalog.Interface) (any, error) {
	shown, err := keyed[map[string]any](i)
	if err != nil {
		return nil, err
	}
	delete(shown, "fields")
	for _, role := range []string{"source", "form"} {
		if shown[role] == nil {
			delete(shown, role)
		}
	}
	shown["direction"] = i.Direction()
	return shown, nil
}

// fieldsJSON has the keys of the catalog's files, and the place of each field.
func fieldsJSON(i *catalog.Interface) (any, error) {
	var all []map[string]any
	for _, place := range i.Places() {
		fields, err := keyed[[]map[string]any](i.Fields[place])
		if err != nil {
			return nil, err
		}
		for _, field := range fields {
			field["place"] = string(place)
			all = append(all, field)
		}
	}
	return all, nil
}

// keyed gives a value of the catalog under the keys that its files have.
func keyed[T any](value any) (shown T, err error) {
	raw, err := yaml.Marshal(value)
	if err != nil {
		return shown, err
	}
	if raw, err = yaml.YAMLToJSON(raw); err != nil {
		return shown, err
	}
	return shown, json.Unmarshal(raw, &shown)
}
