namespace Microsoft.ML.Reversible;

/// <summary>One turn of a conversation: who speaks, and the text.</summary>
/// <remarks>Turns with equal roles and contents are equal.</remarks>
public sealed record ChatTurn
{
    /// <summary>The role of a turn with instructions for the whole conversation: system.</summary>
    public const string SystemRole = "system";

    /// <summary>The role of a turn that the model answers: user.</summary>
    public const string UserRole = "user";

    /// <summary>The role of a turn that the model writes: assistant.</summary>
    public const string AssistantRole = "assistant";

    private readonly string _role = "", _content = "";

    /// <summary>Makes a turn.</summary>
    /// <param name="Role">Who speaks: system, user or assistant, in lower case.</param>
    /// <param name="Content">The text, which may be empty.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    /// <exception cref="ArgumentException">The role is another one; the message names it.</exception>
    public ChatTurn(string Role, string Content) => (this.Role, this.Content) = (Role, Content);

    /// <summary>Who speaks: system, user or assistant.</summary>
    /// <exception cref="ArgumentException">The role is another one.</exception>
    public string Role
    {
        get => _role;
        init => _role = Checked(value);
    }

    /// <summary>The text.</summary>
    public string Content
    {
        get => _content;
        init => _content = value ?? throw new ArgumentNullException(nameof(Content));
    }

    /// <summary>Returns role and content.</summary>
    public void Deconstruct(out string role, out string content) => (role, content) = (Role, Content);

    private static string Checked(string role)
    {
        ArgumentNullException.ThrowIfNull(role);
        if (role is SystemRole or UserRole or AssistantRole) return role;
        throw new ArgumentException(
            role is "tool" or "function"
                ? $"The role '{role}' is not supported: the results of tools have no place in these conversations. " +
                    "Leave such turns out, or write the result into a user turn."
                : $"The role '{role}' is not known. A turn's role must be system, user or assistant, in lower case.",
            nameof(role));
    }
}
