using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tests.Training;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>Tests checkpoints of a fine-tuning, and the input that it refuses.</summary>
[TestClass]
public sealed class FineTuneRunTests
{
    private static readonly MLContext Ml = new(seed: 1);

    [TestMethod]
    [DataRow(true, false, false)]
    [DataRow(true, true, false)]
    [DataRow(false, false, false)]
    [DataRow(true, false, true)]
    public void ACancelledRunGoesOnToTheBit(bool packing, bool across, bool chatMl)
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer whole = Chats.Fit(Set(null));
        foreach (int step in new[] { 1, 7, 13 })
        {
            using var source = new CancellationTokenSource();
            Assert.ThrowsExactly<OperationCanceledException>(() => Chats.Fit(o =>
            {
                Set(scratch.File("run"))(o);
                (o.Progress, o.CancellationToken) = (RunOptions.At(step, source.Cancel), source.Token);
            }));
        }
        using ReversibleLmTransformer resumed = Chats.Fit(Set(scratch.File("run")));
        Assert.AreEqual(13, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(whole, resumed);

        Action<FineTuneEstimator.Options> Set(string? folder) => o =>
        {
            (o.Packing, o.AttendAcrossConversations, o.ReportInterval, o.EvaluationInterval) = (packing, across, 1, 5);
            o.CheckpointFolder = folder;
            if (chatMl) o.ChatFormat = ChatFormat.ChatMl;
        };
    }

    [TestMethod]
    public void AnotherRunIsRefusedWithWhatDiffers()
    {
        using var scratch = new ScratchFolder();
        Chats.Fit(o => o.CheckpointFolder = scratch.File("run")).Dispose();
        string Message(Action<FineTuneEstimator.Options> change, params ConversationRow[] rows) =>
            Assert.ThrowsExactly<InvalidOperationException>(() => Chats.Fit(
                o =>
                {
                    o.CheckpointFolder = scratch.File("run");
                    change(o);
                },
                rows)).Message;

        StringAssert.Contains(Message(o => o.Packing = false), "Packing was True and is now False");
        StringAssert.Contains(Message(o => o.Scheme = Scheme.Midpoint), "Scheme was residual and is now midpoint");
        StringAssert.Contains(Message(o => o.LearningRate = 1e-3), "LearningRate was 0.005 and is now 0.001");
        StringAssert.Contains(Message(o => o.ChatFormat = ChatFormat.Zephyr), "ChatFormat was llama2 and is now zephyr");
        StringAssert.Contains(Message(_ => { }, Chats.Rows[1..]), "the training data has changed");
    }

    [TestMethod]
    public void TheBestEvaluationIsReturned()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer model = Chats.Fit(o =>
        {
            (o.CheckpointFolder, o.ReturnBest, o.EarlyStoppingPatience) = (scratch.File("run"), true, 2);
            (o.LearningRate, o.EvaluationInterval, o.MaxSteps) = (0.3, 1, 30);
        });
        Assert.IsTrue(model.Metrics!.StoppedEarly);
        Assert.IsLessThan(model.Metrics.History[^1].Step, model.Metrics.ModelStep);
    }

    [TestMethod]
    public void TokensThatTheFormatNeedsAreAdded()
    {
        using ReversibleLmTransformer model = Chats.Fit(o => (o.ChatFormat, o.AddedTokens, o.MaxSteps) = (ChatFormat.ChatMl, ["<x>"], 60));
        Assert.AreEqual(3, model.FineTuning!.AddedTokenCount);
        Assert.AreEqual(320, model.Configuration.VocabularySize);
        using var scratch = new ScratchFolder();
        model.SavePretrained(scratch.File("model"));
        using ReversibleLmTransformer loaded = Ml.Reversible().LoadPretrained(scratch.File("model"));
        Assert.AreEqual(Chats.Model.Model.Tokenizer.VocabularySize + 3, loaded.Model.Tokenizer.VocabularySize);
        CollectionAssert.AreEqual(Generated(model), Generated(loaded));
        using ReversibleLmTransformer again = Chats.Fit(o => (o.ModelPath, o.ChatFormat) = (scratch.File("model"), ChatFormat.ChatMl));
        Assert.AreEqual(0, again.FineTuning!.AddedTokenCount);
        Assert.AreEqual(320, again.Configuration.VocabularySize);

        static int[] Generated(ReversibleLmTransformer model) => [.. model.GenerateIds(
            [.. model.Model.Tokenizer.Encode("<|im_start|>user\nwho 3?<|im_end|>\n<|im_start|>assistant\n", recognizeSpecial: true)],
            new GenerationOptions { MaxTokens = 30, Temperature = 0 })];
    }

    [TestMethod]
    public void NewRowsOfTheEmbeddingBeginAtTheMeanOfTheOthers()
    {
        using ReversibleLmTransformer model = Chats.Fit(o =>
            (o.ChatFormat, o.VocabularyMultiple, o.LearningRate, o.MaxSteps) = (ChatFormat.ChatMl, 1, 1e-30, 1));
        Assert.AreEqual(259, model.Configuration.VocabularySize);
        using var scope = TorchSharp.torch.NewDisposeScope();
        var rows = model.Network.HeadWeight.detach();
        var mean = rows.narrow(0, 0, 257).mean([0]);
        Assert.IsLessThan(1e-6, TestModels.RelativeError(rows[257], mean));
        Assert.IsLessThan(1e-6, TestModels.RelativeError(rows[258], mean));
    }

    [TestMethod]
    [DataRow(false, false)]
    [DataRow(false, true)]
    [DataRow(true, false)]
    [DataRow(true, true)]
    public void RowsThatTheModelHasForAddedTokensBeginAtTheMeanToo(bool lora, bool given)
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer padded = Chats.Fit(o => (o.ChatFormat, o.LearningRate) = (ChatFormat.ChatMl, 0.05));
        padded.SavePretrained(scratch.File("model"));
        byte[] before = padded.Network.HeadWeight.bytes.ToArray();
        using ReversibleLmTransformer model = Chats.Fit(o =>
        {
            (o.ModelPath, o.Model) = (given ? null : scratch.File("model"), given ? padded : null);
            (o.ChatFormat, o.AddedTokens, o.LearningRate, o.MaxSteps) = (ChatFormat.ChatMl, ["<x>"], 1e-30, 1);
            if (lora) (o.LoraRank, o.TrainEmbedding) = (2, false);
        });
        Assert.AreEqual((320, 1), (model.Configuration.VocabularySize, model.FineTuning!.AddedTokenCount));
        using var scope = TorchSharp.torch.NewDisposeScope();
        var (own, rows) = (padded.Network.HeadWeight.detach(), model.Network.HeadWeight.detach());
        var mean = (own.sum(0, keepdim: false) - own[259]) / 319;
        Assert.IsLessThan(1e-5, TestModels.RelativeError(rows[259], mean));
        Assert.IsGreaterThan(1e-2, TestModels.RelativeError(own[259], mean));
        Assert.IsLessThan(1e-6, TestModels.RelativeError(rows[258], own[258]));
        Assert.IsTrue(before.AsSpan().SequenceEqual(padded.Network.HeadWeight.bytes), "the given model has changed");
    }

    [TestMethod]
    public void AFaultyRowIsNamed()
    {
        AssertFault("Row 1, counted from 0: the conversation is empty.", new ConversationRow());
        AssertFault(
            "Row 1, counted from 0: there are 2 roles in 'Roles' and 1 texts in 'Texts'.",
            new ConversationRow { Roles = ["user", "assistant"], Texts = ["a"] });
        AssertFault(
            "Row 1, counted from 0: turn 1 has the role 'robot', but a role must be system, user or assistant.",
            new ConversationRow { Roles = ["robot", "assistant"], Texts = ["a", "b"] });
        AssertFault(
            "Row 1, counted from 0: the conversation has no turn of the assistant to learn from.",
            new ConversationRow { Roles = ["user"], Texts = ["a"] });
        AssertFault(
            "Row 1, counted from 0: In the format llama2, user and assistant turns alternate",
            new ConversationRow { Roles = ["user", "user", "assistant"], Texts = ["a", "b", "c"] });

        static void AssertFault(string message, ConversationRow row) => StringAssert.StartsWith(
            Assert.ThrowsExactly<InvalidDataException>(() => Chats.Fit(null, Chats.Rows[0], row)).Message, message);
    }

    [TestMethod]
    public void ShareGptsRolesAreTaken()
    {
        using ReversibleLmTransformer model = Chats.Fit(
            null, [.. Chats.Rows.Select(row => new ConversationRow { Roles = ["human", "gpt"], Texts = row.Texts })]), same = Chats.Fit();
        RunOptions.AssertSame(same, model);
    }

    [TestMethod]
    public void WhatCannotBeTrainedOnIsRefused()
    {
        AssertRefused<InvalidOperationException>(
            "The data has no conversation to learn from", () => Chats.Fit(o => o.ContextLength = 4));
        AssertRefused<InvalidOperationException>(
            "The data has one conversation, which cannot be both trained on and held out", () => Chats.Fit(null, Chats.Rows[0]));
        AssertRefused<InvalidOperationException>(
            "ContextLength is 129, but the model to start from has a context of 128 tokens", () => Chats.Fit(o => o.ContextLength = 129));
        AssertRefused<ArgumentOutOfRangeException>(
            "Could not find conversation column 'Roles'", () => Ml.Reversible().FineTune(Chats.Quick).Fit(Corpus.View(Ml, "a")));
        AssertRefused<ArgumentOutOfRangeException>(
            "Schema mismatch for conversation column 'Text': expected Vector<String>, got String", () =>
            {
                FineTuneEstimator.Options options = Chats.Quick;
                options.RolesColumnName = "Text";
                Ml.Reversible().FineTune(options).Fit(Corpus.View(Ml, "a"));
            });
        AssertRefused<DirectoryNotFoundException>("does not exist", () => Chats.Fit(o => o.ModelPath = "no such folder"));
    }

    [TestMethod]
    public void NoTensorStays()
    {
        Chats.Fit(o => o.MaxSteps = 2).Dispose();
        long before = TestModels.LiveTensors();
        for (int i = 0; i < 3; i++) Chats.Fit(o => (o.MaxSteps, o.ChatFormat, o.Scheme) = (2, ChatFormat.ChatMl, Bdia.Blend())).Dispose();
        Assert.ThrowsExactly<InvalidOperationException>(() => Chats.Fit(o => o.ContextLength = 4));
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    private static void AssertRefused<T>(string message, Action action) where T : Exception =>
        StringAssert.Contains(Assert.ThrowsExactly<T>(action).Message, message);
}
