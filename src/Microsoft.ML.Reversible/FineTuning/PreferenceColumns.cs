using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>The names of the columns that hold a prompt and two answers.</summary>
/// <param name="Prompt">The columns of the prompt; with a text column for it, the chosen answer is its response.</param>
/// <param name="Chosen">The column of the preferred answer's text.</param>
/// <param name="Rejected">The column of the other answer's text.</param>
internal sealed record PreferenceColumns(ConversationColumns Prompt, string Chosen, string Rejected)
{
    private const string Role = "answer";

    /// <summary>The columns.</summary>
    public IReadOnlyList<string> Names => [.. Prompt.Names.Append(Chosen).Append(Rejected).Distinct()];

    /// <summary>Checks that data has the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or has another type.</exception>
    public void Require(DataViewSchema schema)
    {
        Prompt.Require(schema);
        SchemaErrors.RequireText(schema, Chosen, Role);
        SchemaErrors.RequireText(schema, Rejected, Role);
    }

    /// <summary>Checks that an estimator's input has the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or has another type.</exception>
    public void Require(SchemaShape schema)
    {
        Prompt.Require(schema);
        SchemaErrors.RequireText(schema, Chosen, Role);
        SchemaErrors.RequireText(schema, Rejected, Role);
    }

    /// <summary>Returns the rows of data, read on demand.</summary>
    /// <exception cref="InvalidDataException">A row has no prompt or an unknown role; the message names the row.</exception>
    public IEnumerable<Preference> Read(IDataView data)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([.. Names.Select(name => data.Schema[name])]);
        Func<IReadOnlyList<ChatTurn>> read = Prompt.Start(cursor);
        ValueGetter<ReadOnlyMemory<char>> readChosen = cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema[Chosen]);
        ValueGetter<ReadOnlyMemory<char>> readRejected = cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema[Rejected]);
        ReadOnlyMemory<char> chosen = default, rejected = default;
        while (cursor.MoveNext())
        {
            IReadOnlyList<ChatTurn> turns = read();
            // The text of a response is that of the chosen answer.
            if (Prompt.Response is not null) turns = [.. turns.SkipLast(1)];
            if (turns.Count == 0) throw ConversationColumns.Broken(cursor.Position, "the prompt is empty");
            readChosen(ref chosen);
            readRejected(ref rejected);
            yield return new(turns, chosen.ToString(), rejected.ToString());
        }
    }
}

/// <summary>A prompt and two answers to it.</summary>
/// <param name="Prompt">The turns of the prompt.</param>
/// <param name="Chosen">The preferred answer.</param>
/// <param name="Rejected">The other answer.</param>
internal sealed record Preference(IReadOnlyList<ChatTurn> Prompt, string Chosen, string Rejected);
