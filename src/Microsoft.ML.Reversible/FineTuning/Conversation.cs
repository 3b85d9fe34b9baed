namespace Microsoft.ML.Reversible.FineTuning;

/// <summary>What a conversation must be to learn from it.</summary>
internal static class Conversation
{
    /// <summary>Returns the role that a name of another layout stands for; the name itself if it is of none.</summary>
    public static string RoleOf(string name) => name switch
    {
        "human" => ChatTurn.UserRole,
        "gpt" => ChatTurn.AssistantRole,
        _ => name,
    };

    /// <summary>Returns whether a role is one of a turn.</summary>
    public static bool IsRole(string role) => role is ChatTurn.SystemRole or ChatTurn.UserRole or ChatTurn.AssistantRole;

    /// <summary>Returns what is wrong with a conversation, as a part of a sentence; null if nothing is.</summary>
    public static string? Fault(IReadOnlyList<(string Role, string Text)> turns)
    {
        if (turns.Count == 0) return "the conversation is empty";
        for (int i = 0; i < turns.Count; i++)
            if (FaultOf(turns[i].Role, i) is { } fault) return fault;
        return turns.Any(turn => turn.Role == ChatTurn.AssistantRole)
            ? null
            : "the conversation has no turn of the assistant to learn from";
    }

    /// <summary>Returns what is wrong with a role, as a part of a sentence; null if nothing is.</summary>
    /// <param name="role">The role.</param>
    /// <param name="turn">The number of its turn, from 0.</param>
    public static string? FaultOf(string role, int turn) => IsRole(role)
        ? null
        : $"turn {turn + 1} has the role '{role}', but a role must be system, user or assistant";
}
