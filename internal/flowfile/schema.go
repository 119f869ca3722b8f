package flowfile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
)

// jsonSchema is a JSON Schema, or part of one.
type jsonSchema = map[string]any

// notBlank is the pattern of a text that is not blank.
const notBlank = `\S`

// Schema is the JSON Schema of flow files, in draft 7, which every version of the YAML
// language server knows. It accepts every file that loads; what it can't express, such as
// the names in an expression, only [Load] checks. Its descriptions are in English.
func Schema() []byte {
	schema := fileKeys().schema()
	schema["$schema"] = "http://json-schema.org/draft-07/schema#"
	schema["title"] = "refundsync flow file"
	schema["description"] = "Maps Jushuitan's after-sales orders (聚水潭售后单) to Kingdee's sales return bills (金蝶云星空销售退货单)."
	schema["definitions"] = definitions()
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

func orderKeySchema() jsonSchema { return jsonSchema{"type": "string", "enum": orderKeys()} }

func cronSchema() jsonSchema {
	line := textValue{}.schema()
	return jsonSchema{"anyOf": []jsonSchema{line, {"type": "array", "items": line, "minItems": 1}}}
}

func parametersSchema() jsonSchema {
	properties := jsonSchema{}
	for _, field := range catalog.All()["jushuitan.refund.list.query"].Fields[catalog.Request] {
		if slices.Contains(notFixed, field.Name) {
			continue
		}
		property := textValue{}.schema()
		switch {
		case slices.Contains(filledIn, field.Name):
			property = choiceValue{placeholder(field.Name)}.schema()
		case field.Name == "page_size":
			property = textValue{pageSizePattern}.schema()
		case len(field.Values) > 0:
			property = choiceValue(slices.Sorted(maps.Keys(field.Values))).schema()
		}
		property["description"] = label(field)
		properties[field.Name] = property
	}
	return jsonSchema{"type": "object", "properties": properties, "required": filledIn, "additionalProperties": false}
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

func billSchema() jsonSchema { return ref(string(catalog.Head)) }

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
		flow.NumberField: numberSchema(),
	}
	for _, place := range places {
		if place != catalog.Options {
			all[string(place)] = placeSchema(place)
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
func placeSchema(place catalog.Place) jsonSchema {
	line := place != catalog.Head && place != "SubHeadEntity"
	properties, patterns, required := jsonSchema{}, jsonSchema{}, []string{}
	for _, field := range catalog.All()["SAL_RETURNSTOCK"].Fields[place] {
		property := ref(mappingName(field.Type, line))
		switch {
		case field.Type == catalog.Object || field.Type == catalog.List:
			property = ref(field.Name)
		case field.Name == flow.NumberField:
			property = ref(flow.NumberField)
		}
		property["description"] = label(field)
		properties[field.Name] = property
		if field.Required {
			required = append(required, field.Name)
		}
	}
	if group, ok := catalog.All()["SAL_RETURNSTOCK"].FlexGroup(place); ok {
		patterns["^"+group.Flex+"[0-9]{1,10}$"] = ref(mappingName(catalog.Text, line))
	}
	if slices.Contains(ownPlaces, place) {
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
	if fields := fieldsOf(kindOfTarget(catalog.Field{Type: target}), line); len(fields) > 0 {
		delete(properties["field"].(jsonSchema), "pattern")
		change("field", jsonSchema{"enum": fields})
	} else {
		delete(properties, "field")
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

// fieldsOf lists the source fields with values of that kind.
func fieldsOf(want flow.Kind, line bool) (names []string) {
	for _, field := range catalog.All()["jushuitan.refund.list.query"].Fields[catalog.Header] {
		if flow.KindFor(field.Type) == want {
			names = append(names, field.Name)
		}
	}
	if line {
		for _, field := range catalog.All()["jushuitan.refund.list.query"].Fields[catalog.Items] {
			if flow.KindFor(field.Type) == want {
				names = append(names, "item."+field.Name)
			}
		}
	}
	return names
}

// numberSchema is the bill's number, which comes from the order's key.
func numberSchema() jsonSchema {
	schema := mappingSchema(catalog.Text, false)
	properties := schema["properties"].(jsonSchema)
	delete(properties, "constant")
	delete(properties, "table")
	delete(schema, "dependencies")
	properties["field"].(jsonSchema)["enum"] = orderKeys()
	schema["oneOf"] = []jsonSchema{{"required": []string{"field"}}, {"required": []string{"expression"}}}
	return schema
}
