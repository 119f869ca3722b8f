package flowfile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
)

// jsonSchema is a JSON Schema, or part of one.
type jsonSchema = map[string]any

// notBlank is the pattern of a text that is not blank.
const notBlank = `\S`

// schemaFile is the name of the schema beside the flow files.
const schemaFile = "refundsync.schema.json"

// Schema is the JSON Schema of flow files, in draft 7, which every version of the YAML
// language server knows. It accepts every file that loads; what it can't express, such as
// the names in an expression, only [Load] checks. Its descriptions are in English.
func Schema() []byte {
	schema := fileKeys().schema()
	source := sectionValue{{"method", "The interface that orders are read from.", true, choiceValue(catalog.Sources())}}.schema()
	delete(source, "additionalProperties") // what else there is depends on the method
	source["description"] = "Where the orders come from."
	schema["properties"].(jsonSchema)["source"] = source
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	schema["title"] = "refundsync flow file"
	schema["description"] = "Maps orders of Jushuitan (聚水潭) to bills of Kingdee (金蝶云星空)."
	schema["definitions"] = definitions()
	schema["allOf"] = append(bySource(), byForm()...)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	// Maps of strings, numbers and lists can always be encoded.
	_ = encoder.Encode(schema)
	return b.Bytes()
}

func (v textValue) schema() jsonSchema {
	return jsonSchema{"type": "string", "pattern": cmp.Or(v.pattern, notBlank)}
}
func (expressionValue) schema() jsonSchema { return jsonSchema{"type": "string"} }
func (v choiceValue) schema() jsonSchema   { return jsonSchema{"type": "string", "enum": []string(v)} }
func (booleanValue) schema() jsonSchema    { return jsonSchema{"type": "boolean"} }
func (v integerValue) schema() jsonSchema {
	schema := jsonSchema{"type": "integer", "minimum": v.lowest}
	if v.highest < math.MaxInt {
		schema["maximum"] = v.highest
	}
	return schema
}
func (durationValue) schema() jsonSchema {
	return jsonSchema{"type": "string", "pattern": durationPattern}
}
func (v listValue) schema() jsonSchema {
	return jsonSchema{"type": "array", "items": v.of.schema(), "minItems": v.least}
}
func (v otherValue) schema() jsonSchema { return v() }

func (s sectionValue) schema() jsonSchema {
	properties, required := jsonSchema{}, []string{}
	for _, key := range s {
		property := key.value.schema()
		property["description"] = key.about
		if about := key.value.about(); about != "" && !key.required {
			property["description"] = key.about + " " + about
		}
		properties[key.name] = property
		if key.required {
			required = append(required, key.name)
		}
	}
	schema := jsonSchema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

func (textValue) about() string       { return "" }
func (expressionValue) about() string { return "" }
func (listValue) about() string       { return "" }
func (sectionValue) about() string    { return "" }
func (otherValue) about() string      { return "" }
func (v choiceValue) about() string   { return "Default: " + v[0] + "." }
func (v booleanValue) about() string  { return fmt.Sprintf("Default: %t.", bool(v)) }
func (v integerValue) about() string {
	switch {
	case v.highest == math.MaxInt:
		return ""
	case v.byDefault < v.lowest:
		return fmt.Sprintf("From %d to %d.", v.lowest, v.highest)
	}
	return fmt.Sprintf("From %d to %d. Default: %d.", v.lowest, v.highest, v.byDefault)
}
func (v durationValue) about() string {
	return fmt.Sprintf("From %s to %s. Default: %s.", plain(v.shortest), plain(v.longest), plain(v.byDefault))
}

// bySource are the parts that depend on the interface that orders are read from: source,
// and the fields of an order that the bill can name.
func bySource() (all []jsonSchema) {
	for _, method := range catalog.Sources() {
		named := jsonSchema{"properties": jsonSchema{"method": jsonSchema{"const": method}}, "required": []string{"method"}}
		all = append(all, jsonSchema{
			"if": jsonSchema{"properties": jsonSchema{"source": named}, "required": []string{"source"}},
			"then": jsonSchema{"properties": jsonSchema{
				"source": ref(definitionOf("source", method)),
				"bill":   jsonSchema{"properties": jsonSchema{"fields": ref(definitionOf("fields", method))}},
			}},
		})
	}
	return all
}

// definitionOf names a definition for one interface, without a slash, which a reference
// would have to escape.
func definitionOf(what, method string) string {
	return what + "." + strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", ".")
}

// fieldsSchema allows the fields of one interface, wherever a mapping names one.
func fieldsSchema(of *catalog.Interface) jsonSchema {
	return jsonSchema{
		"properties":           jsonSchema{"field": jsonSchema{"enum": fieldsOf(of, true, usable)}},
		"additionalProperties": ref(definitionOf("fields", of.Name)),
	}
}

func cronSchema() jsonSchema {
	line := textValue{}.schema()
	return jsonSchema{"anyOf": []jsonSchema{line, {"type": "array", "items": line, "minItems": 1}}}
}

func parametersSchema(of *catalog.Interface) jsonSchema {
	properties, filledIn := jsonSchema{}, filledIn(of)
	for _, field := range fixedParameters(of) {
		property := textValue{}.schema()
		switch values := parameterValues(of, field); {
		case slices.Contains(filledIn, field.Name):
			property = choiceValue{placeholder(field.Name)}.schema()
		case field.Name == "page_size":
			property = textValue{upTo(of.Source.LargestPage)}.schema()
		case len(values) > 0:
			property = choiceValue(values).schema()
		}
		property["description"] = label(field)
		properties[field.Name] = property
	}
	return jsonSchema{"type": "object", "properties": properties, "required": filledIn, "additionalProperties": false}
}

// upTo is the pattern of the whole numbers from 1 to a limit of one digit and noughts, such
// as 50; of any from 1 for another limit.
func upTo(limit int) string {
	digits := strconv.Itoa(limit)
	first, noughts := int(digits[0]-'0'), len(digits)-1
	switch {
	case noughts == 0 || strings.Trim(digits[1:], "0") != "":
		return "^[1-9][0-9]*$"
	case first == 1:
		return fmt.Sprintf("^([1-9][0-9]{0,%d}|%d)$", noughts-1, limit)
	}
	return fmt.Sprintf("^([1-9][0-9]{0,%d}|[1-%d][0-9]{%d}|%d)$", noughts-1, first-1, noughts, limit)
}

// label is a field's Chinese and English label, with its values.
func label(field catalog.Field) string {
	about := field.Chinese + ", " + field.English + "."
	var values []string
	for _, value := range slices.Sorted(maps.Keys(field.Values)) {
		values = append(values, value+" "+field.Values[value])
	}
	if len(values) > 0 {
		about += " " + strings.Join(values, ", ") + "."
	}
	return about
}

func tablesSchema() jsonSchema {
	return jsonSchema{"type": "object", "additionalProperties": ref("table")}
}

func rowsSchema() jsonSchema {
	return jsonSchema{"type": "object", "additionalProperties": textValue{}.schema()}
}

func ownFieldsSchema() jsonSchema {
	return jsonSchema{"type": "object", "patternProperties": jsonSchema{flow.OwnName.String(): ownFieldKeys.schema()}, "additionalProperties": false}
}

// anyObject is for a key whose value depends on the form; see [byForm].
func anyObject() jsonSchema { return jsonSchema{"type": "object"} }

// byForm says what depends on the form of the bill.
func byForm() (all []jsonSchema) {
	within := func(key string, value jsonSchema) jsonSchema {
		return jsonSchema{"properties": jsonSchema{key: value}}
	}
	for _, name := range catalog.Forms() {
		form := catalog.All()[name]
		bill := jsonSchema{"properties": jsonSchema{"fields": ref(partOf(form, catalog.Head)), "own_fields": ownFieldsKeys(form).schema()}}
		differences := listValue{of: choiceValue(flow.MayDiffer(form.Form))}.schema()
		all = append(all, jsonSchema{
			"if": jsonSchema{"required": []string{"bill"}, "properties": jsonSchema{
				"bill": jsonSchema{"required": []string{"FormId"}, "properties": jsonSchema{"FormId": jsonSchema{"const": name}}},
			}},
			"then": jsonSchema{"properties": jsonSchema{"bill": bill, "options": within("expected_differences", differences)}},
		})
	}
	return all
}

// partOf names the definition of a part of a form's bill.
func partOf(form *catalog.Interface, place catalog.Place) string {
	return form.Name + "." + string(place)
}

func ref(name string) jsonSchema { return jsonSchema{"$ref": "#/definitions/" + name} }

// definitions are the parts of the schema that others refer to.
func definitions() jsonSchema {
	rows := tableKeys.schema()
	rows["oneOf"] = []jsonSchema{{"required": []string{"values"}}, {"required": []string{"file"}}}
	all := jsonSchema{
		"table": jsonSchema{
			"type": "object",
			"if":   jsonSchema{"required": []string{"from"}},
			"then": kingdeeTableKeys.schema(),
			"else": rows,
		},
		"number": numberSchema(),
	}
	for _, method := range catalog.Sources() {
		of := catalog.All()[method]
		all[definitionOf("source", method)] = sourceKeys(of).schema()
		all[definitionOf("fields", method)] = fieldsSchema(of)
	}
	for _, name := range catalog.Forms() {
		form := catalog.All()[name]
		for _, place := range form.BillPlaces() {
			all[partOf(form, place)] = placeSchema(form, place)
		}
	}
	for _, target := range []catalog.Type{catalog.Text, catalog.Decimal, catalog.Integer, catalog.Date, catalog.Bool} {
		for _, line := range []bool{false, true} {
			all[mappingName(target, line)] = mappingSchema(target, line)
		}
	}
	return all
}

// placeSchema is one part of a bill, with Kingdee's fields and the merchant's own.
func placeSchema(form *catalog.Interface, place catalog.Place) jsonSchema {
	line := form.OfLine(place)
	properties, patterns, required := jsonSchema{}, jsonSchema{}, []string{}
	for _, field := range form.Fields[place] {
		property := ref(mappingName(field.Type, line))
		switch {
		case form.IsGroup(field):
			property = ref(partOf(form, catalog.Place(field.Name)))
		case place == catalog.Head && field.Name == form.Form.Number:
			property = ref("number")
		}
		property["description"] = label(field)
		properties[field.Name] = property
		if field.Required {
			required = append(required, field.Name)
		}
	}
	if group, ok := form.FlexGroup(place); ok {
		patterns["^"+group.Flex+"[0-9]{1,10}$"] = ref(mappingName(catalog.Text, line))
	}
	if slices.Contains(ownPlaces(form), place) {
		// The field's type is in own_fields.
		patterns[flow.OwnName.String()] = jsonSchema{"anyOf": []jsonSchema{
			ref(mappingName(catalog.Text, line)), ref(mappingName(catalog.Decimal, line)), ref(mappingName(catalog.Date, line)), ref(mappingName(catalog.Bool, line)),
		}}
	}
	schema := jsonSchema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(patterns) > 0 {
		schema["patternProperties"] = patterns
	}
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}

// mappingName names the definition of a mapping to a field of that type.
func mappingName(target catalog.Type, line bool) string {
	if target == catalog.Reference {
		target = catalog.Text // written the same way
	}
	if target == catalog.Time {
		target = catalog.Date
	}
	if line {
		return string(target) + "_of_line"
	}
	return string(target) + "_of_order"
}

// mappingSchema is how a field of that type gets its value.
func mappingSchema(target catalog.Type, line bool) jsonSchema {
	schema := mappingKeys.schema()
	properties := schema["properties"].(jsonSchema)
	change := func(name string, to jsonSchema) {
		maps.Copy(properties[name].(jsonSchema), to)
	}
	delete(properties["constant"].(jsonSchema), "pattern")
	switch target {
	case catalog.Text:
		change("constant", textValue{}.schema())
	case catalog.Decimal:
		change("constant", jsonSchema{"type": "number"})
	case catalog.Integer:
		change("constant", jsonSchema{"type": "integer"})
	case catalog.Date:
		change("constant", textValue{datePattern}.schema())
	case catalog.Bool:
		change("constant", jsonSchema{"type": "boolean"})
	}
	if target == catalog.Bool {
		delete(properties, "field") // none is true or false
	} else {
		if !line {
			change("field", textValue{nameOfField}.schema())
		}
		change("field", jsonSchema{"not": jsonSchema{"enum": otherKinds(kindOfTarget(catalog.Field{Type: target}), line)}})
	}
	if target != catalog.Text {
		delete(properties, "table")
	}
	var one []jsonSchema
	for _, way := range ways {
		if _, ok := properties[way]; ok {
			one = append(one, jsonSchema{"required": []string{way}})
		}
	}
	schema["oneOf"] = one
	if target == catalog.Text {
		schema["dependencies"] = jsonSchema{"table": jsonSchema{"not": jsonSchema{"required": []string{"constant"}}}}
	}
	return schema
}

// fieldsOf lists the fields of an order, and of its lines, of the kinds wanted.
func fieldsOf(of *catalog.Interface, line bool, want func(flow.Kind) bool) (names []string) {
	for _, field := range of.Fields[catalog.Header] {
		if want(flow.KindFor(field.Type)) {
			names = append(names, field.Name)
		}
	}
	if line {
		for _, field := range of.Fields[catalog.Items] {
			if want(flow.KindFor(field.Type)) {
				names = append(names, "item."+field.Name)
			}
		}
	}
	return names
}

// usable tells the kinds of which a field can be named.
func usable(kind flow.Kind) bool {
	return slices.Contains([]flow.Kind{flow.KindText, flow.KindNumber, flow.KindTime}, kind)
}

// otherKinds lists the fields that no interface has with values of that kind.
func otherKinds(want flow.Kind, line bool) []string {
	others, wanted := map[string]bool{}, func(kind flow.Kind) bool { return kind == want }
	for _, method := range catalog.Sources() {
		for _, name := range fieldsOf(catalog.All()[method], line, usable) {
			others[name] = true
		}
	}
	for _, method := range catalog.Sources() {
		for _, name := range fieldsOf(catalog.All()[method], line, wanted) {
			delete(others, name)
		}
	}
	return slices.Sorted(maps.Keys(others))
}

// numberSchema is the bill's number, which comes from the order's key.
func numberSchema() jsonSchema {
	schema := mappingSchema(catalog.Text, false)
	properties := schema["properties"].(jsonSchema)
	delete(properties, "constant")
	delete(properties, "table")
	delete(schema, "dependencies")
	schema["oneOf"] = []jsonSchema{{"required": []string{"field"}}, {"required": []string{"expression"}}}
	return schema
}
