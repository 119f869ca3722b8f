package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// assistant connects a client to the tools, with a command in place of all others.
func assistant(t *testing.T, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) *mcp.ClientSession {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	here, there := mcp.NewInMemoryTransports()
	served, err := newMCPServer(newToolRunner(ctx, io.Discard, run)).Connect(ctx, there, nil)
	require.NoError(t, err)
	client := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil)
	session, err := client.Connect(ctx, here, nil)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, session.Close())
		require.NoError(t, served.Wait())
	})
	return session
}

func textsOf(result *mcp.CallToolResult) (texts []string) {
	for _, content := range result.Content {
		texts = append(texts, content.(*mcp.TextContent).Text)
	}
	return texts
}

func TestToolsSayThatTheyOnlyRead(t *testing.T) {
	session := assistant(t, nil)
	tools, err := session.ListTools(t.Context(), nil)
	require.NoError(t, err)
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
		require.True(t, tool.Annotations.ReadOnlyHint, tool.Name)
		require.NotEmpty(t, tool.Description, tool.Name)
	}
	slices.Sort(names)
	require.Equal(t, []string{"flow", "order", "parked", "reconcile", "status"}, names)
}

// Whatever an assistant asks for, or an order's text has it ask for, the command is one that
// only reads, and no value becomes a flag.
func TestToolsRunReadingCommandsAlone(t *testing.T) {
	allowed := map[string][]string{
		"starter order": {"flow", "output"}, "starter status": {"flow", "output"},
		"starter parked list": {"flow", "output", "reason", "shop"}, "starter parked show": {"flow", "output"},
		"starter reconcile": {"flow", "from", "output", "to"},
		"starter flow list": {"output"}, "starter flow versions": {"flow", "output"},
		"starter flow show": {"flow", "output", "version"}, "starter flow diff": {"flow", "output"},
	}
	rapid.Check(t, func(t *rapid.T) {
		value := func(name string) string {
			return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "-", "--", "--repair", "--yes", "--out=x", "-o", "retry", "a b", "2024-03-01"})).Draw(t, name)
		}
		question := rapid.SampledFrom([]interface{ command() ([]string, error) }{
			orderQuestion{value("id"), value("flow")},
			statusQuestion{value("flow")},
			parkedQuestion{value("flow"), value("reason"), value("shop"), value("order")},
			reconcileQuestion{value("flow"), "2024-03-01", rapid.SampledFrom([]string{"2024-03-01", "2024-03-31"}).Draw(t, "to")},
			flowQuestion{value("flow"), value("show"), value("diff"), value("to")},
		}).Draw(t, "question")
		args, err := question.command()
		if err != nil {
			return
		}
		cmd, rest, err := newRootCommand().Find(args)
		require.NoError(t, err)
		flags, known := allowed[cmd.CommandPath()]
		require.True(t, known, cmd.CommandPath())
		require.NoError(t, cmd.ParseFlags(rest))
		cmd.Flags().Visit(func(flag *pflag.Flag) { require.Contains(t, flags, flag.Name, args) })
	})
}

func TestToolAnswers(t *testing.T) {
	for _, c := range []struct {
		name, tool     string
		arguments      map[string]any
		stdout, stderr string
		err            error
		texts          []string
		fails          bool
	}{
		{"an answer", "status", map[string]any{}, "[\n  {\"flow\": \"f\"}\n]\n", "", nil, []string{"starter status -o json", `[{"flow":"f"}]`}, false},
		{"an answer that says what is wrong", "status", map[string]any{"flow": "f"}, "[]", "a note\n", &exitError{code: exitBehind, err: errors.New("behind")}, []string{"starter status -o json --flow=f\na note\nbehind", "[]"}, false},
		{"a difference", "reconcile", map[string]any{"flow": "f", "from": "2024-03-01", "to": "2024-03-31"}, "{}", "", &exitError{code: exitDiffers}, []string{"starter reconcile -o json --flow=f --from=2024-03-01 --to=2024-03-31", "{}"}, false},
		{"a command as it is typed", "parked", map[string]any{"shop": "it's 店"}, "[]", "", nil, []string{`starter parked list -o json '--shop=it'\''s 店'`, "[]"}, false},
		{"an error", "parked", map[string]any{"order": "1"}, "", "", errors.New("there is no parked order 1"), []string{"there is no parked order 1"}, true},
		{"half an answer", "reconcile", map[string]any{"flow": "f", "from": "2024-03-01", "to": "2024-03-01"}, `{"rows": [`, "waiting\n", errors.New("no worker answers"), []string{"waiting\nno worker answers"}, true},
		{"a range that is too long", "reconcile", map[string]any{"flow": "f", "from": "2024-03-01", "to": "2024-04-01"}, "{}", "", nil, []string{"the range is longer than 31 days; take a part of it, or run starter reconcile"}, true},
		{"a day that is none", "reconcile", map[string]any{"flow": "f", "from": "2024-03-01", "to": "x"}, "{}", "", nil, nil, true},
		{"an argument that is none", "status", map[string]any{"repair": true}, "[]", "", nil, nil, true},
		{"no order", "order", map[string]any{}, "{}", "", nil, nil, true},
		{"two questions", "flow", map[string]any{"show": "4be012", "diff": "4be012"}, "{}", "", nil, []string{"ask for show or for diff; to goes with diff"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			session := assistant(t, func(_ context.Context, _ []string, stdout, stderr io.Writer) error {
				_, _ = io.WriteString(stderr, c.stderr)
				_, _ = io.WriteString(stdout, c.stdout)
				return c.err
			})
			result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: c.tool, Arguments: c.arguments})
			require.NoError(t, err)
			require.Equal(t, c.fails, result.IsError, textsOf(result))
			if c.texts != nil {
				require.Equal(t, c.texts, textsOf(result))
			}
			if !c.fails {
				answer := result.StructuredContent.(map[string]any)["answer"]
				raw, err := json.Marshal(answer)
				require.NoError(t, err)
				require.JSONEq(t, c.stdout, string(raw))
			}
		})
	}
}

// What an order or a person hides from people is not hidden in an answer.
func TestAnAssistantReadsNoHiddenText(t *testing.T) {
	hidden := "a\u202eb\U000E0041"
	session := assistant(t, func(_ context.Context, _ []string, stdout, stderr io.Writer) error {
		fmt.Fprintf(stdout, `["%s"]`, hidden)
		fmt.Fprintln(stderr, hidden)
		return errors.New(hidden)
	})
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "status"})
	require.NoError(t, err)
	require.Equal(t, []string{"starter status -o json\na□b□\na□b□", `["a□b□"]`}, textsOf(result))
}

// A client gives a call up after a minute; a reconciliation may take longer.
func TestALongCommandIsAnsweredByALaterCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, running := 0, 0
		runner := newToolRunner(t.Context(), io.Discard, func(_ context.Context, args []string, stdout, stderr io.Writer) error {
			begun++
			running++
			require.Equal(t, 1, running, "one reconciliation at a time")
			defer func() { running-- }()
			fmt.Fprintln(stderr, "windows 1/3")
			time.Sleep(2*toolPatience + 10*time.Second)
			fmt.Fprintf(stdout, "[%q, %d]", args[1], begun)
			return nil
		})
		ask := func(day string) string {
			answer, err := runner.answer(t.Context(), []string{"reconcile", day})
			require.NoError(t, err)
			if answer.Answer == nil {
				return strings.Join(answer.Notes, "\n")
			}
			return string(answer.Answer)
		}
		still := "It is still running. Call the tool with the same arguments for the answer."
		require.Equal(t, "windows 1/3\n"+still, ask("a"))
		require.Equal(t, still, ask("b"), "it waits for the first")
		require.Equal(t, `["a",1]`, ask("a"))
		synctest.Wait()
		time.Sleep(answerKept / 2)
		require.Equal(t, `["b",2]`, ask("b"), "the answer was kept")
		require.Equal(t, "windows 1/3\n"+still, ask("b"), "and is given once")
		time.Sleep(2*answerKept + 2*toolPatience)
		require.Equal(t, "windows 1/3\n"+still, ask("b"), "an old answer is not given")
		require.Equal(t, 4, begun)
		gone, leave := context.WithCancel(t.Context())
		leave()
		_, err := runner.answer(gone, []string{"reconcile", "b"})
		require.ErrorIs(t, err, context.Canceled)
		time.Sleep(2*toolPatience + 10*time.Second)
		require.Equal(t, `["b",4]`, ask("b"), "it goes on without the client")
	})
}

func TestShorten(t *testing.T) {
	var rows []map[string]any
	for i := range 3000 {
		rows = append(rows, map[string]any{"id": fmt.Sprint(700000000 + i), "amount": json.Number("12.30"), "differences": []int{1, 2}})
	}
	whole, err := json.MarshalIndent(map[string]any{"totals": 3000, "days": []string{"2024-03-01", "2024-03-02"}, "rows": rows}, "", "  ")
	require.NoError(t, err)
	short, left, err := shorten(whole)
	require.NoError(t, err)
	require.LessOrEqual(t, len(short), mostAnswerBytes)
	require.Greater(t, len(short), mostAnswerBytes/2)
	var shown struct {
		Totals int
		Days   []string
		Rows   []struct {
			ID     string `json:"id"`
			Amount json.Number
		}
	}
	require.NoError(t, json.Unmarshal(short, &shown))
	require.Equal(t, []leftOff{{Place: "rows", Shown: len(shown.Rows), Of: 3000}}, left)
	require.Len(t, shown.Days, 2)
	require.Equal(t, "700000000", shown.Rows[0].ID)
	require.Equal(t, json.Number("12.30"), shown.Rows[0].Amount)

	short, left, err = shorten([]byte(`{"files": [{"text": "` + strings.Repeat("退", 50_000) + `"}]}`))
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.Equal(t, "files[].text", left[0].Place)
	require.True(t, json.Valid(short))
	require.NotContains(t, string(short), "\ufffd")
}

// An answer is whole, or names what was cut, and is never longer than its bound.
func TestShortenedAnswersAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))) // rapid's own lists are too short
		var value func(depth int) any
		value = func(depth int) any {
			switch kind := random.Intn(5); {
			case kind == 0 && depth > 0:
				list := []any{}
				for range random.Intn(200) {
					list = append(list, value(depth-1))
				}
				return list
			case kind == 1 && depth > 0:
				return map[string]any{"a": value(depth - 1), "b": value(depth - 1), "c": value(depth - 1)}
			case kind == 2:
				return strings.Repeat("退<", random.Intn(100))
			case kind == 3:
				return nil
			}
			return random.Intn(1000)
		}
		whole, err := json.MarshalIndent([]any{value(2), value(2), value(2)}, "", " ")
		require.NoError(t, err)
		short, left, err := shorten(whole)
		if err != nil {
			require.ErrorContains(t, err, "too long for an assistant")
			return
		}
		require.LessOrEqual(t, len(short), mostAnswerBytes)
		var compact bytes.Buffer
		require.NoError(t, json.Compact(&compact, whole))
		if compact.Len() <= mostAnswerBytes {
			require.Empty(t, left)
			require.Equal(t, compact.String(), string(short))
		} else {
			require.True(t, json.Valid(short))
		}
	})
}
