using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Verbs;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>Describes in one line what is wrong with a command line, and suggests a correction.</summary>
internal static class Mistake
{
    private const int MostEdits = 3;

    public static string Describe(string[] arguments, ParseResult parsed, Verb? verb, IReadOnlyList<Verb> verbs)
    {
        if (verb is null)
        {
            string names = string.Join(", ", verbs.Select(known => known.Command.Name));
            string what = arguments.Length == 0 ? "A verb is missing" : $"There is no verb '{arguments[0]}'";
            return $"{what}; the verbs are {names}. See '{CommandLine.Name} --help'.";
        }
        string help = $"See '{CommandLine.Name} {verb.Command.Name} --help'.";
        if (parsed.UnmatchedTokens is not [string unknown, ..]) return $"{parsed.Errors[0].Message.ReplaceLineEndings(" ")} {help}";
        string? meant = verb.Command.Options.SelectMany(option => option.Aliases.Append(option.Name))
            .Where(name => Edits(unknown, name) <= MostEdits)
            .MinBy(name => Edits(unknown, name));
        return $"There is no option '{unknown}'{(meant is null ? "." : $"; did you mean '{meant}'?")} {help}";
    }

    /// <summary>Returns the edit distance: letters to insert, delete or replace.</summary>
    private static int Edits(string from, string to)
    {
        int[] above = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int[] row = new int[to.Length + 1];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
                row[j] = Math.Min(Math.Min(row[j - 1], above[j]) + 1, above[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1));
            above = row;
        }
        return above[^1];
    }
}
