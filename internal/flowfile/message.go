package flowfile

import (
	"refundsync/internal/bilingual"
	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/text"
)

func ofFlow(t bilingual.Text) text.Text { return text.Literal(t.English) }

func fieldName(field catalog.Field) text.Text { return text.Literal(flow.FieldName(field).Chinese) }

func placeName(p catalog.Place) text.Text { return text.Literal(p.English()) }

func typeName(t catalog.Type) text.Text { return text.Literal(t.English()) }

func toFlow(t text.Text) bilingual.Text { return bilingual.Text{English: t.String()} }
