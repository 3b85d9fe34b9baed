using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>What a format writes around the turns. In its texts, {bos} and {eos} are the tokens that begin and end a text.</summary>
internal sealed record ChatLayout
{
    private const string Begin = "{bos}", End = "{eos}";

    /// <summary>What comes before all turns.</summary>
    public string Start { get; init; } = "";

    /// <summary>What comes before and after the text of a system turn.</summary>
    public required (string Before, string After) System { get; init; }

    /// <summary>Where a system turn is written.</summary>
    public SystemPlace SystemPlace { get; init; }

    /// <summary>What comes before and after the text of a user turn.</summary>
    public required (string Before, string After) User { get; init; }

    /// <summary>What comes before an assistant's turn, which is also what asks the model for its turn.</summary>
    public required string AssistantStart { get; init; }

    /// <summary>What the model itself writes before its text.</summary>
    public string Lead { get; init; } = "";

    /// <summary>What the model writes to end its turn.</summary>
    public required string EndOfTurn { get; init; }

    /// <summary>Whether the token that ends a text also ends the model's turn.</summary>
    public bool EndsWithText => EndOfTurn.EndsWith(End, StringComparison.Ordinal);

    /// <summary>The text, at most one character, that the model writes before the token that ends its turn.</summary>
    public string TextBeforeEnd => EndsWithText ? EndOfTurn[..^End.Length] : "";

    /// <summary>What comes after the end of an assistant's turn.</summary>
    public string AssistantAfter { get; init; } = "";

    /// <summary>What comes after all turns, unless the model is asked for its turn.</summary>
    public string Finish { get; init; } = "";

    /// <summary>The roles whose text loses white space at both ends.</summary>
    public string[] Trimmed { get; init; } = [];

    /// <summary>Whether user and assistant must alternate, the user first.</summary>
    public bool Alternates { get; init; }

    /// <summary>The tokens that a tokenizer must have, each with an id of its own.</summary>
    public string[] Tokens { get; init; } = [];

    /// <summary>Writes a conversation.</summary>
    /// <exception cref="ArgumentException">The format has no such conversation.</exception>
    public IEnumerable<ChatPiece> Write(string name, IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt)
    {
        Check(name, turns, addGenerationPrompt);
        string? inUser = SystemPlace is SystemPlace.FirstUser or SystemPlace.LastUser && IsSystem(turns[0]) ? turns[0].Content : null;
        int holder = inUser is null ? -1 : SystemPlace == SystemPlace.FirstUser ? 1 : LastUser(turns);

        var pieces = new List<ChatPiece>();
        Add(pieces, Start);
        for (int i = 0; i < turns.Count; i++)
        {
            ChatTurn turn = turns[i];
            if (turn.Role == ChatTurn.UserRole) AddUser(pieces, turn.Content, i == holder ? inUser : null);
            else if (turn.Role == ChatTurn.AssistantRole) AddAssistant(pieces, turn.Content);
            else if (SystemPlace == SystemPlace.Turn) AddContent(pieces, System, Text(turn));
        }
        Add(pieces, addGenerationPrompt ? AssistantStart : Finish);
        return pieces;
    }

    private static bool IsSystem(ChatTurn turn) => turn.Role == ChatTurn.SystemRole;

    private static int LastUser(IReadOnlyList<ChatTurn> turns)
    {
        int last = turns.Count - 1;
        while (turns[last].Role != ChatTurn.UserRole) last--;
        return last;
    }

    private string Text(ChatTurn turn) => Trimmed.Contains(turn.Role) ? PythonText.Strip(turn.Content) : turn.Content;

    private void AddUser(List<ChatPiece> pieces, string content, string? system)
    {
        bool trims = Trimmed.Contains(ChatTurn.UserRole);
        if (system is null)
        {
            AddContent(pieces, User, trims ? PythonText.Strip(content) : content);
            return;
        }
        // White space is removed around the user's text with the system text in it, so that it stays between the two.
        string text = trims ? PythonText.StripEnd(content) : content;
        Add(pieces, User.Before);
        Add(pieces, System.Before);
        pieces.Add(ChatPiece.Content(system));
        Add(pieces, trims && text.Length == 0 ? PythonText.StripEnd(System.After) : System.After);
        pieces.Add(ChatPiece.Content(text));
        Add(pieces, User.After);
    }

    private void AddAssistant(List<ChatPiece> pieces, string content)
    {
        Add(pieces, AssistantStart);
        Add(pieces, Lead, isLearned: true);
        string text = Trimmed.Contains(ChatTurn.AssistantRole) ? PythonText.Strip(content) : content;
        pieces.Add(ChatPiece.Content(text, isLearned: true));
        Add(pieces, EndOfTurn, isLearned: true);
        Add(pieces, AssistantAfter);
    }

    private static void AddContent(List<ChatPiece> pieces, (string Before, string After) around, string content)
    {
        Add(pieces, around.Before);
        pieces.Add(ChatPiece.Content(content));
        Add(pieces, around.After);
    }

    private static void Add(List<ChatPiece> pieces, string text, bool isLearned = false)
    {
        while (text.Length > 0)
        {
            int next = text.IndexOf('{', StringComparison.Ordinal);
            if (next != 0)
            {
                pieces.Add(ChatPiece.Template(next < 0 ? text : text[..next], isLearned));
                text = next < 0 ? "" : text[next..];
                continue;
            }
            bool begins = text.StartsWith(Begin, StringComparison.Ordinal);
            pieces.Add(begins ? ChatPiece.BeginOfText() : ChatPiece.EndOfText(isLearned));
            text = text[(begins ? Begin.Length : End.Length)..];
        }
    }

    private void Check(string name, IReadOnlyList<ChatTurn> turns, bool addGenerationPrompt)
    {
        int first = IsSystem(turns[0]) ? 1 : 0;
        if (first == 1 && SystemPlace == SystemPlace.Refused)
            throw new ArgumentException(
                $"The format {name} has no system turn. Write the instructions into the first user turn.", nameof(turns));
        if (Alternates)
        {
            for (int i = first; i < turns.Count; i++)
            {
                string expected = (i - first) % 2 == 0 ? ChatTurn.UserRole : ChatTurn.AssistantRole;
                if (turns[i].Role != expected)
                    throw new ArgumentException(
                        $"In the format {name}, user and assistant turns alternate, the user first" +
                        $"{(SystemPlace == SystemPlace.Refused ? "" : ", after at most one system turn")}: " +
                        $"turn {i + 1} has the role {turns[i].Role} and must have the role {expected}.", nameof(turns));
            }
            if (turns.Count == first)
                throw new ArgumentException($"In the format {name}, a conversation must have a user turn.", nameof(turns));
            if (addGenerationPrompt && turns[^1].Role != ChatTurn.UserRole)
                throw new ArgumentException(
                    $"In the format {name}, the model answers a user turn, but the last turn has the role {turns[^1].Role}. " +
                    "Add a user turn.", nameof(turns));
        }
    }
}

/// <summary>Where a format writes a system turn.</summary>
internal enum SystemPlace
{
    /// <summary>As a turn of its own, anywhere.</summary>
    Turn,

    /// <summary>Inside the first user turn.</summary>
    FirstUser,

    /// <summary>Inside the last user turn.</summary>
    LastUser,

    /// <summary>Nowhere.</summary>
    Refused,
}
