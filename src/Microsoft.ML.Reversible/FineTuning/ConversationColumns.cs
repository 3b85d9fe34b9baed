using Microsoft.ML.Data;
using Microsoft.ML.Reversible.MLNet;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>The names of the columns that hold a conversation: two of text vectors, or a prompt and a response.</summary>
/// <param name="Roles">The column of the turns' roles; null for a prompt and a response.</param>
/// <param name="Texts">The column of the turns' texts; null for a prompt and a response.</param>
/// <param name="Prompt">The column of the user's text; null for two columns of text vectors.</param>
/// <param name="Response">The column of the assistant's text; null for two columns of text vectors.</param>
/// <param name="System">The column of the system turn's text; null if there is none.</param>
/// <param name="SystemPrompt">The system turn of rows without one; null for none.</param>
internal sealed record ConversationColumns(
    string? Roles, string? Texts, string? Prompt, string? Response, string? System, string? SystemPrompt)
{
    private const string Role = "conversation";

    /// <summary>The columns.</summary>
    public IReadOnlyList<string> Names => [.. new[] { Roles, Texts, System, Prompt, Response }.OfType<string>()];

    /// <summary>Returns whether the names are those of one of the two forms, which a damaged file's may not be.</summary>
    public bool AreWhole() => (Roles, Texts, Prompt, Response, System) is ({ }, { }, null, null, null) or (null, null, { }, { }, _);

    /// <summary>Checks that data has the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or has another type.</exception>
    public void Require(DataViewSchema schema)
    {
        foreach (string name in Names)
        {
            if (Roles is null) SchemaErrors.RequireText(schema, name, Role);
            else SchemaErrors.RequireTexts(schema, name, Role);
        }
    }

    /// <summary>Checks that an estimator's input has the columns.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is missing or has another type.</exception>
    public void Require(SchemaShape schema)
    {
        foreach (string name in Names)
        {
            if (Roles is null) SchemaErrors.RequireText(schema, name, Role);
            else SchemaErrors.RequireTexts(schema, name, Role);
        }
    }

    /// <summary>Returns the conversations of data, one a row, read on demand.</summary>
    /// <exception cref="InvalidDataException">A row is not a conversation with an assistant's turn; the message names the row.</exception>
    public IEnumerable<IReadOnlyList<ChatTurn>> Read(IDataView data)
    {
        using DataViewRowCursor cursor = data.GetRowCursor([.. Names.Select(name => data.Schema[name])]);
        Func<IReadOnlyList<ChatTurn>> read = Start(cursor);
        while (cursor.MoveNext())
        {
            IReadOnlyList<ChatTurn> turns = read();
            if (Conversation.Fault([.. turns.Select(turn => (turn.Role, turn.Content))]) is { } fault) throw Broken(cursor.Position, fault);
            yield return turns;
        }
    }

    /// <summary>Starts reading the turns of the current row.</summary>
    /// <exception cref="InvalidDataException">A role is unknown, or there are more or fewer roles than texts.</exception>
    public Func<IReadOnlyList<ChatTurn>> Start(DataViewRow row)
    {
        Func<IReadOnlyList<ChatTurn>> read = Roles is null ? StartPrompts(row) : StartTurns(row, Roles, Texts!);
        if (SystemPrompt is not { } system) return read;
        return () => read() is var turns && turns.Any(turn => turn.Role == ChatTurn.SystemRole)
            ? turns
            : [new ChatTurn(ChatTurn.SystemRole, system), .. turns];
    }

    /// <summary>Returns the exception for a row.</summary>
    /// <param name="position">The row's position.</param>
    /// <param name="fault">What is wrong with it, as a sentence or a part of one.</param>
    /// <param name="data">The data, as a part of a sentence.</param>
    /// <param name="cause">The exception that says so; null for none.</param>
    public static InvalidDataException Broken(long position, string fault, string data = "", Exception? cause = null) =>
        new($"Row {position}{data}, counted from 0: {fault.TrimEnd('.')}.", cause);

    private Func<IReadOnlyList<ChatTurn>> StartPrompts(DataViewRow row)
    {
        Func<string> prompt = TextOf(row, Prompt!), response = TextOf(row, Response!);
        Func<string>? system = System is null ? null : TextOf(row, System);
        return () =>
        {
            ChatTurn[] turns = [new(ChatTurn.UserRole, prompt()), new(ChatTurn.AssistantRole, response())];
            return system?.Invoke() is { Length: > 0 } text ? [new(ChatTurn.SystemRole, text), .. turns] : turns;
        };
    }

    private static Func<IReadOnlyList<ChatTurn>> StartTurns(DataViewRow row, string rolesColumn, string textsColumn)
    {
        Func<string[]> readRoles = TextsOf(row, rolesColumn), readTexts = TextsOf(row, textsColumn);
        return () =>
        {
            string[] roles = Array.ConvertAll(readRoles(), Conversation.RoleOf), texts = readTexts();
            if (roles.Length != texts.Length)
                throw Broken(
                    row.Position, $"there are {roles.Length} roles in '{rolesColumn}' and {texts.Length} texts in '{textsColumn}'");
            for (int i = 0; i < roles.Length; i++)
                if (Conversation.FaultOf(roles[i], i) is { } fault) throw Broken(row.Position, fault);
            return [.. roles.Zip(texts, (role, text) => new ChatTurn(role, text))];
        };
    }

    private static Func<string> TextOf(DataViewRow row, string name)
    {
        ValueGetter<ReadOnlyMemory<char>> getter = row.GetGetter<ReadOnlyMemory<char>>(row.Schema[name]);
        ReadOnlyMemory<char> text = default;
        return () =>
        {
            getter(ref text);
            return text.ToString();
        };
    }

    private static Func<string[]> TextsOf(DataViewRow row, string name)
    {
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter = row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(row.Schema[name]);
        VBuffer<ReadOnlyMemory<char>> texts = default;
        return () =>
        {
            getter(ref texts);
            return [.. texts.DenseValues().Select(text => text.ToString())];
        };
    }
}
