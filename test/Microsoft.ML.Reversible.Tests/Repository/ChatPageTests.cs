using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Tests.FineTuning;

namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Tests that docs/chat.md says what the formats do, and that its programs run.</summary>
[TestClass]
public sealed class ChatPageTests
{
    private static Document Page => Document.Open("docs/chat.md");

    [TestMethod]
    public void TheFormsAreThoseOfTheFormats()
    {
        ChatTurn[] turns = [new(ChatTurn.UserRole, "Hi"), new(ChatTurn.AssistantRole, "Yes")];
        string[] expected =
        [
            .. from format in ChatFormat.All
               let template = ChatTemplates.All.Single(template => template.Format == format)
               let text = template.Join(format.Write(turns, addGenerationPrompt: false))
               select $"{format.Name,-8} {text.Replace('\n', '⏎')}",
        ];
        CollectionAssert.AreEqual(expected, Page.Blocks("text").Single().Split('\n'));
    }

    [TestMethod]
    public void TheTableIsThatOfTheFormats()
    {
        string[] expected =
        [
            .. from format in ChatFormat.All
               let layout = format.Layout!
               let place = layout.SystemPlace switch
               {
                   SystemPlace.Turn => "a turn of its own",
                   SystemPlace.FirstUser => "in the first user turn",
                   SystemPlace.LastUser => "in the last user turn",
                   _ => "refused",
               }
               let trimmed = layout.Trimmed.Length == 0 ? "none" : string.Join(", ", layout.Trimmed)
               select $"{format.Name}; {place}; {(layout.Alternates ? "yes" : "no")}; {trimmed}",
        ];
        CollectionAssert.AreEqual(expected, Page.Rows("format", "system turn").Select(row => string.Join("; ", row)).ToArray());
    }

    [TestMethod]
    public async Task TheProgramsAnswer()
    {
        using ReversibleLmTransformer model = Corpus.Train(new MLContext(seed: 1), o => (o.MaxSteps, o.ContextLength) = (20, 128));
        var cache = new MemoryDistributedCache(Options.Create(new MemoryDistributedCacheOptions()));
        IReadOnlyList<ChatMessage> messages =
            await ChatSnippets.Answer(model, ChatSnippets.Own(), cache, NullLoggerFactory.Instance, CancellationToken.None);
        CollectionAssert.AreEqual(
            new[] { ChatRole.User, ChatRole.Assistant, ChatRole.User }, messages.Select(message => message.Role).ToArray());
        string text = string.Concat(ChatSnippets.Own().Write([new(ChatTurn.UserRole, "a"), new(ChatTurn.AssistantRole, "b")], true)
            .Select(piece => piece.Kind == ChatPieceKind.EndOfText ? "|" : piece.Text));
        Assert.AreEqual("Q: a\nA: b|A: ", text);
    }
}
