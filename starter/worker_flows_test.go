package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/syncworker"
)

func TestWorkersWithOtherFlows(t *testing.T) {
	of := &flow.Flow{Name: "a", Version: "1"}
	for _, c := range []struct {
		name    string
		workers []syncworker.FlowVersions
		silent  bool // one does not tell its flows
		lacks   string
		differs string
	}{
		{name: "no worker"},
		{name: "the same version", workers: []syncworker.FlowVersions{{"a": "1", "b": "9"}}},
		{name: "another version", workers: []syncworker.FlowVersions{{"a": "2"}}, differs: "2"},
		{name: "another version in one of two", workers: []syncworker.FlowVersions{{"a": "1"}, {"a": "2"}}, differs: "2"},
		{name: "another version beside one that does not tell", workers: []syncworker.FlowVersions{{"a": "2"}}, silent: true, differs: "2"},
		{name: "in one of two", workers: []syncworker.FlowVersions{{"b": "9"}, {"a": "1"}}},
		{name: "in none", workers: []syncworker.FlowVersions{{"b": "9"}, {"c": "9"}}, lacks: "b, c", differs: "b, c"},
		{name: "perhaps in one that does not tell", workers: []syncworker.FlowVersions{{"b": "9"}}, silent: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := workerFlows{c.workers, !c.silent}
			for _, check := range []struct {
				err  error
				says string
			}{{w.lacks(of.Name), c.lacks}, {w.differs(of), c.differs}} {
				if check.says == "" {
					require.NoError(t, check.err)
				} else {
					require.ErrorContains(t, check.err, check.says)
				}
			}
		})
	}
}
