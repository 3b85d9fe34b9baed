using Microsoft.ML.Reversible.Storage;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>Reads pairs of answers from files of JSON lines, in the layouts of published data sets.</summary>
internal static class PreferenceFile
{
    /// <summary>Reads all rows.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is empty, damaged, or holds something else; the message names the line.</exception>
    public static IReadOnlyList<PreferenceRow> Read(string path)
    {
        PreferenceRow[] rows = [.. ConversationFile.Rows(path).Select(ToRow)];
        return rows.Length > 0 ? rows : throw new InvalidDataException($"{path} has no pair of answers.");
    }

    private static PreferenceRow ToRow(JsonRow row)
    {
        foreach (string name in new[] { "chosen", "rejected" })
            if (!row.HasText(name) && !row.HasArray(name))
                throw row.Broken(
                    $"has no '{name}' that is text or a list of messages. It must have prompt, chosen and rejected, or chosen and " +
                    "rejected with whole conversations.");
        if (row.HasArray("chosen") != row.HasArray("rejected")) throw row.Broken("chosen and rejected must both be text, or both lists.");
        if (!row.HasArray("chosen"))
            return row.Has("prompt")
                ? Make(row, Prompt(row), row.Text("chosen"), row.Text("rejected"))
                : throw row.Broken("has no 'prompt'. Answers without one must be lists of messages that begin with it.");

        List<(string Role, string Text)> chosen = [.. ConversationFile.Messages(row, "chosen")];
        List<(string Role, string Text)> rejected = [.. ConversationFile.Messages(row, "rejected")];
        foreach (var (name, turns) in new[] { ("chosen", chosen), ("rejected", rejected) })
            if (turns.Count == 0 || turns[^1].Role != ChatTurn.AssistantRole)
                throw row.Broken($"'{name}' must end with a turn of the assistant.");
        // A list with more than the answer is a whole conversation, also beside a prompt that repeats its first turn.
        bool isWhole = chosen.Count > 1 || rejected.Count > 1;
        if (!isWhole && !row.Has("prompt")) throw row.Broken("has no 'prompt', and the answers are not whole conversations.");
        if (!isWhole) return Make(row, Prompt(row), chosen[0].Text, rejected[0].Text);
        if (!chosen.SkipLast(1).SequenceEqual(rejected.SkipLast(1)))
            throw row.Broken("chosen and rejected must be the same conversation except for the assistant's last turn.");
        if (row.HasArray("prompt"))
            throw row.Broken("'prompt' is a list of messages, so chosen and rejected must have only the assistant's turn after it.");
        return Make(row, [.. ConversationFile.System(row), .. chosen.SkipLast(1)], chosen[^1].Text, rejected[^1].Text);
    }

    private static IEnumerable<(string Role, string Text)> Prompt(JsonRow row) => row.HasArray("prompt")
        ? [.. ConversationFile.System(row), .. ConversationFile.Messages(row, "prompt")]
        : [.. ConversationFile.System(row), (ChatTurn.UserRole, row.Text("prompt"))];

    private static PreferenceRow Make(JsonRow row, IEnumerable<(string Role, string Text)> prompt, string chosen, string rejected)
    {
        (string Role, string Text)[] turns = [.. prompt];
        for (int i = 0; i < turns.Length; i++)
            if (Conversation.FaultOf(turns[i].Role, i) is { } fault) throw row.Broken($"{fault}.");
        if (turns.Length == 0) throw row.Broken("the prompt is empty.");
        return new()
        {
            Roles = [.. turns.Select(turn => turn.Role)],
            Texts = [.. turns.Select(turn => turn.Text)],
            Chosen = chosen,
            Rejected = rejected,
        };
    }
}
