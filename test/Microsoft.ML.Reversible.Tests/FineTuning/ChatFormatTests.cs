using Microsoft.ML.Reversible.FineTuning;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class ChatFormatTests
{
    private const string System = ChatTurn.SystemRole, User = ChatTurn.UserRole, Assistant = ChatTurn.AssistantRole;

    [TestMethod]
    public void EveryFormatIsComparedWithATemplate() => CollectionAssert.AreEquivalent(
        ChatFormat.All.ToArray(), ChatTemplates.All.Select(template => template.Format).ToArray());

    [TestMethod]
    public void AFormatWritesWhatTheTemplateRenders()
    {
        foreach (ChatTemplates template in ChatTemplates.All)
        {
            foreach ((IReadOnlyList<ChatTurn> turns, bool prompt, string? text) in template.Cases)
            {
                if (IsOwnChoice(template.Format, turns, prompt)) continue;
                string shown = $"{template.Format}, prompt {prompt}: {string.Join(" | ", turns)}";
                if (text is null) Assert.ThrowsExactly<ArgumentException>(() => template.Format.Write(turns, prompt), shown);
                else Assert.AreEqual(text, template.Join(template.Format.Write(turns, prompt)), shown);
            }
        }
    }

    [TestMethod]
    public void MistralKeepsTheSystemTextOfAConversationThatEndsWithAnAnswer()
    {
        ChatTurn[] turns = [new(System, "s"), new(User, "a"), new(Assistant, "b"), new(User, "c"), new(Assistant, "d")];
        ChatTemplates mistral = ChatTemplates.All.Single(template => template.Format == ChatFormat.Mistral);
        Assert.AreEqual(
            "<s>[INST] a[/INST] b</s>[INST] s\n\nc[/INST] d</s>",
            mistral.Join(ChatFormat.Mistral.Write(turns, addGenerationPrompt: false)));
    }

    [TestMethod]
    public void AlternatingFormatsAnswerAUserTurnAlone()
    {
        foreach (ChatFormat format in (ChatFormat[])[ChatFormat.Llama2, ChatFormat.Mistral, ChatFormat.Gemma])
        {
            var e = Assert.ThrowsExactly<ArgumentException>(
                () => format.Write([new(User, "a"), new(Assistant, "b")], addGenerationPrompt: true));
            StringAssert.Contains(e.Message, "Add a user turn");
        }
    }

    [TestMethod]
    public void ASystemTurnThatAFormatLacksIsRefusedWithWhatToDo()
    {
        var e = Assert.ThrowsExactly<ArgumentException>(() => ChatFormat.Gemma.Write([new(System, "a"), new(User, "b")], false));
        StringAssert.Contains(e.Message, "first user turn");
        Assert.ThrowsExactly<ArgumentException>(() => ChatFormat.Gemma.WithDefaultSystem("a"));
    }

    [TestMethod]
    public void ADefaultSystemTurnIsWrittenWhereThereIsNoOther()
    {
        ChatFormat format = ChatFormat.ChatMl.WithDefaultSystem("Be kind.");
        Assert.AreEqual("Be kind.", format.DefaultSystem);
        Assert.IsNull(ChatFormat.ChatMl.DefaultSystem);
        ChatTurn[] alone = [new(User, "a")], own = [new(System, "b"), new(User, "a")];
        CollectionAssert.AreEqual(
            ChatFormat.ChatMl.Write([new(System, "Be kind."), .. alone], true).ToArray(), format.Write(alone, true).ToArray());
        CollectionAssert.AreEqual(ChatFormat.ChatMl.Write(own, true).ToArray(), format.Write(own, true).ToArray());
    }

    [TestMethod]
    public void OnlyTheAssistantsTextAndWhatEndsItIsLearned()
    {
        ChatTurn[] turns = [new(System, "s"), new(User, "u"), new(Assistant, "a"), new(User, "u"), new(Assistant, "b")];
        (ChatFormat Format, string Learned)[] expected =
        [
            (ChatFormat.ChatMl, "a<|im_end|>b<|im_end|>"), (ChatFormat.Llama2, " a </s> b </s>"),
            (ChatFormat.Llama3, "a<|eot_id|>b<|eot_id|>"), (ChatFormat.Mistral, " a</s> b</s>"), (ChatFormat.Phi3, "a<|end|>b<|end|>"),
            (ChatFormat.Zephyr, "a</s>b</s>"), (ChatFormat.Gemma, "a<end_of_turn>b<end_of_turn>"),
        ];
        foreach ((ChatFormat format, string learned) in expected)
        {
            IReadOnlyList<ChatPiece> pieces = format.Write(format == ChatFormat.Gemma ? turns[1..] : turns, addGenerationPrompt: false);
            ChatTemplates template = ChatTemplates.All.Single(t => t.Format == format);
            Assert.AreEqual(learned, template.Join(pieces.Where(piece => piece.IsLearned)), format.Name);
        }
    }

    [TestMethod]
    public void AConversationWithoutAnAnswerIsThePromptOfTheOneWithIt()
    {
        foreach (ChatTemplates template in ChatTemplates.All)
        {
            ChatTurn[] turns = [new(User, "u"), new(Assistant, "a")];
            string prompt = template.Join(template.Format.Write(turns[..1], addGenerationPrompt: true));
            IReadOnlyList<ChatPiece> whole = template.Format.Write(turns, addGenerationPrompt: false);
            Assert.AreEqual(prompt, template.Join(whole.TakeWhile(piece => !piece.IsLearned)), template.Format.Name);
        }
    }

    [TestMethod]
    public void NamesAreParsedInAnyCase()
    {
        foreach (ChatFormat format in ChatFormat.All)
        {
            Assert.AreSame(format, ChatFormat.Parse(format.Name));
            Assert.AreSame(format, ChatFormat.Parse($" {format.Name.ToUpperInvariant()} "));
            Assert.AreEqual(format.Name, format.ToString());
        }
        var e = Assert.ThrowsExactly<ArgumentException>(() => ChatFormat.Parse("vicuna"));
        StringAssert.Contains(e.Message, "chatml, gemma, llama2, llama3, mistral, phi3, zephyr");
    }

    [TestMethod]
    public void OtherRolesAreRefusedByName()
    {
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => new ChatTurn("tool", "x")).Message, "results of tools");
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => new ChatTurn("User", "x")).Message, "'User'");
        Assert.ThrowsExactly<ArgumentException>(() => new ChatTurn(User, "x") with { Role = "bot" });
        Assert.ThrowsExactly<ArgumentNullException>(() => new ChatTurn(User, null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => new ChatTurn(null!, ""));
        Assert.AreEqual(new ChatTurn(User, "x"), new ChatTurn(Assistant, "x") with { Role = User });
    }

    [TestMethod]
    public void AConversationHasTurns()
    {
        foreach (ChatFormat format in ChatFormat.All)
        {
            Assert.ThrowsExactly<ArgumentException>(() => format.Write([], true));
            Assert.ThrowsExactly<ArgumentException>(() => format.Write([null!], true));
        }
        foreach (ChatFormat format in (ChatFormat[])[ChatFormat.Llama2, ChatFormat.Mistral])
            Assert.ThrowsExactly<ArgumentException>(() => format.Write([new(System, "a")], true));
    }

    [TestMethod]
    public void ACustomFormatMustReturnPieces()
    {
        ChatFormat format = ChatFormat.Custom("mine", (_, _) => null!);
        StringAssert.Contains(Assert.ThrowsExactly<InvalidOperationException>(() => format.Write([new(User, "a")], true)).Message, "mine");
        Assert.ThrowsExactly<ArgumentException>(() => ChatFormat.Custom(" ", (_, _) => []));
        Assert.ThrowsExactly<ArgumentException>(() => ChatFormat.Custom("x", (_, _) => [], [""]));
        Assert.ThrowsExactly<ArgumentNullException>(() => ChatPiece.Content(null!));
        Assert.ThrowsExactly<ArgumentNullException>(() => ChatPiece.Template(null!));
    }

    [TestMethod]
    public void RandomConversationsAreWrittenOrRefused()
    {
        var random = new Random(11);
        string[] roles = [System, User, Assistant];
        int written = 0;
        for (int i = 0; i < 4000; i++)
        {
            ChatFormat format = ChatFormat.All[random.Next(ChatFormat.All.Count)];
            ChatTurn[] turns = [.. Enumerable.Range(0, random.Next(6)).Select(at => new ChatTurn(
                random.Next(3) == 0 ? roles[random.Next(3)] : roles[1 + (at % 2)], Tokenizers.MixedText.Next(random)))];
            try
            {
                IReadOnlyList<ChatPiece> pieces = format.Write(turns, random.Next(2) == 0);
                foreach (ChatTurn turn in turns)
                    Assert.IsTrue(pieces.Any(piece => piece.Kind == ChatPieceKind.Content && turn.Content.Contains(piece.Text)));
                written++;
            }
            catch (ArgumentException)
            {
            }
        }
        Assert.IsTrue(written > 1000, $"{written} conversations were written.");
    }

    /// <summary>
    /// Conversations whose text the template does not decide: it drops the system text, or writes a prompt after an answer that has none.
    /// </summary>
    private static bool IsOwnChoice(ChatFormat format, IReadOnlyList<ChatTurn> turns, bool prompt)
    {
        bool answered = turns[^1].Role == Assistant;
        return (format == ChatFormat.Mistral && turns[0].Role == System && answered)
            || (format.Layout!.Alternates && prompt && answered);
    }
}
