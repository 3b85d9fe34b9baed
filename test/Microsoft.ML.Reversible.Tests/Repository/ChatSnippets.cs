using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Logging;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>The programs of docs/chat.md. What stands between the markers is compared with the page and run.</summary>
internal static class ChatSnippets
{
    public static ChatFormat Own()
    {
        // <snippet>
        ChatFormat format = ChatFormat.Custom("questions", (turns, addGenerationPrompt) =>
        [
            .. turns.SelectMany(turn => turn.Role == ChatTurn.AssistantRole
                ? [ChatPiece.Template("A: "), ChatPiece.Content(turn.Content, isLearned: true), ChatPiece.EndOfText(isLearned: true)]
                : (ChatPiece[])[ChatPiece.Template("Q: "), ChatPiece.Content(turn.Content), ChatPiece.Template("\n")]),
            .. addGenerationPrompt ? [ChatPiece.Template("A: ")] : (ChatPiece[])[],
        ]);
        // </snippet>
        return format;
    }

    public static async Task<IReadOnlyList<ChatMessage>> Answer(
        ReversibleLmTransformer model, ChatFormat format, IDistributedCache cache, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        // <snippet>
        using IChatClient client = model.AsIChatClient(format, ChatOverflow.DropOldest).AsBuilder()
            .UseDistributedCache(cache)
            .UseLogging(loggers)
            .Build();
        var options = new ChatOptions { Instructions = "Answer briefly.", Temperature = 0.7f, MaxOutputTokens = 20, Seed = 1 };
        List<ChatMessage> messages = [new(ChatRole.User, "Who jumps over the dog?")];
        ChatResponse response = await client.GetResponseAsync(messages, options, cancellationToken);
        messages.AddMessages(response);
        messages.Add(new(ChatRole.User, "And then?"));
        await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(messages, options, cancellationToken))
            Console.Write(update.Text);
        // </snippet>
        return messages;
    }
}
