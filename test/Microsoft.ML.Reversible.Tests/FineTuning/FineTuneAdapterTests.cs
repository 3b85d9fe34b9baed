using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Tests.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tests.Training;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

/// <summary>Tests fine-tuning with an adapter.</summary>
[TestClass]
public sealed class FineTuneAdapterTests
{
    private static readonly MLContext Ml = new(seed: 1);
    private readonly ScratchFolder _scratch = new();

    [TestCleanup]
    public void Delete() => _scratch.Dispose();

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void TheAssistantsLossFallsAndTheBaseStays(bool given)
    {
        byte[][] before = [.. Chats.Model.Network.parameters().Select(weight => weight.bytes.ToArray())];
        using ReversibleLmTransformer model = Fit(o =>
        {
            (o.MaxSteps, o.LearningRate, o.LoraAlpha) = (150, 1e-2, 8);
            if (given) (o.ModelPath, o.Model) = (null, Chats.Model);
        });
        Assert.IsLessThan(model.Metrics!.History[0].Loss - 0.1, model.Metrics.ValidationLoss!.Value);
        Assert.IsTrue(model.HasAdapter);
        foreach (var (bytes, weight) in before.Zip(Chats.Model.Network.parameters()))
            Assert.IsTrue(bytes.AsSpan().SequenceEqual(weight.bytes));
        FineTuneReport report = model.FineTuning!;
        // Rank 2 at the four matrices of each of the two blocks, of widths 32, 96 and 128.
        Assert.AreEqual(2 * 2 * (32 + 96 + 32 + 32 + 32 + 128 + 128 + 32), report.TrainableParameterCount);
        Assert.AreEqual(model.Configuration.ParameterCount + report.TrainableParameterCount, report.ParameterCount);
    }

    [TestMethod]
    public void AnAdapterIsSavedAndLoadedAndMerged()
    {
        using ReversibleLmTransformer model = Fit();
        model.SaveAdapter(_scratch.File("adapter"));
        Assert.IsFalse(File.Exists(Path.Combine(_scratch.File("adapter"), "model.safetensors")));
        float[] expected = Likelihoods(model);
        using ReversibleLmTransformer merged = model.MergeAdapter();
        AssertNear(expected, Likelihoods(merged));
        Assert.AreEqual(model.FineTuning, merged.FineTuning);
        using ReversibleLmTransformer loaded = Chats.Model.LoadAdapter(_scratch.File("adapter"));
        Assert.AreEqual(
            model.Generate("[INST] who 1? [/INST]", maxTokens: 20, temperature: 0),
            loaded.Generate("[INST] who 1? [/INST]", maxTokens: 20, temperature: 0));
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void ACancelledRunGoesOnToTheBit(bool chatMl)
    {
        using ReversibleLmTransformer whole = Fit(Set(null));
        using var source = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => Fit(o =>
        {
            Set(_scratch.File("run"))(o);
            (o.Progress, o.CancellationToken) = (RunOptions.At(7, source.Cancel), source.Token);
        }));
        string checkpoint = Path.Combine(_scratch.File("run"), "step-00000007");
        Assert.IsTrue(File.Exists(Path.Combine(checkpoint, "adapter_model.safetensors")));
        Assert.IsFalse(File.Exists(Path.Combine(checkpoint, "model.safetensors")), "the checkpoint has the whole model");
        using ReversibleLmTransformer resumed = Fit(Set(_scratch.File("run")));
        Assert.AreEqual(7, resumed.Metrics!.ResumedFrom);
        RunOptions.AssertSame(whole, resumed);

        Action<FineTuneEstimator.Options> Set(string? folder) => o =>
        {
            (o.ReportInterval, o.EvaluationInterval, o.CheckpointFolder) = (1, 5, folder);
            if (chatMl) o.ChatFormat = ChatFormat.ChatMl;
        };
    }

    [TestMethod]
    public void AnotherBaseIsRefused()
    {
        Fit(o => o.CheckpointFolder = _scratch.File("run")).Dispose();
        using ReversibleLmTransformer other = Chats.Fit(o => o.MaxSteps = 1);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => Fit(o => (o.CheckpointFolder, o.ModelPath, o.Model) = (_scratch.File("run"), null, other))).Message,
            "Base was ");
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidOperationException>(
                () => Fit(o => (o.CheckpointFolder, o.LoraRank) = (_scratch.File("run"), 3))).Message,
            "LoraRank was 2 and is now 3");
    }

    [TestMethod]
    public void AddedTokensAreTrainedWithTheEmbedding()
    {
        using ReversibleLmTransformer model = Fit(o => (o.ChatFormat, o.MaxSteps, o.LearningRate) = (ChatFormat.ChatMl, 150, 1e-2));
        Assert.AreEqual(2, model.FineTuning!.AddedTokenCount);
        Assert.IsGreaterThan(320 * 32, model.FineTuning.TrainableParameterCount);
        Assert.IsLessThan(0.6 * model.Metrics!.History[0].Loss, model.Metrics.ValidationLoss!.Value);
        model.SavePretrained(_scratch.File("merged"));
        using ReversibleLmTransformer merged = Ml.Reversible().LoadPretrained(_scratch.File("merged"));
        using ReversibleLmTransformer fixedRows = Fit(o =>
            (o.ChatFormat, o.TrainEmbedding, o.TrainHead) = (ChatFormat.ChatMl, false, false));
        Assert.IsLessThan(320 * 32, fixedRows.FineTuning!.TrainableParameterCount);
    }

    [TestMethod]
    public void ATiedHeadIsTrainedWithTheEmbedding()
    {
        Refuse(o => (o.TrainEmbedding, o.TrainHead) = (true, false));
        Refuse(o => (o.TrainEmbedding, o.TrainHead, o.ChatFormat) = (false, true, ChatFormat.ChatMl));
        AssertTrained(true, o => o.TrainEmbedding = true);
        AssertTrained(true, o => o.TrainHead = true);
        AssertTrained(false, o => (o.TrainEmbedding, o.ChatFormat) = (false, ChatFormat.ChatMl));
        AssertTrained(false, o => (o.TrainHead, o.ChatFormat) = (false, ChatFormat.ChatMl));

        static void Refuse(Action<FineTuneEstimator.Options> change) => StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => Fit(change)).Message, "the model's head shares the matrix of its embedding");

        static void AssertTrained(bool trained, Action<FineTuneEstimator.Options> change)
        {
            using ReversibleLmTransformer model = Fit(o =>
            {
                o.MaxSteps = 1;
                change(o);
            });
            Assert.AreEqual(trained, model.Network.HeadWeight.requires_grad);
        }
    }

    [TestMethod]
    public void TargetsThatSelectNothingAreNamed()
    {
        StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentException>(() => Fit(o => o.LoraTargets = "(")).Message,
            "LoraTargets cannot be '('. The pattern '(' of module names is not a regular expression.");
        var e = Assert.ThrowsExactly<ArgumentException>(() => Fit(o => o.LoraTargets = "w_proj"));
        StringAssert.StartsWith(e.Message, "LoraTargets has 'w_proj', which matches no matrix of the model's blocks.");
        Assert.AreEqual(nameof(FineTuneEstimator.Options.LoraTargets), e.ParamName);
    }

    [TestMethod]
    public void AHalfPreciseBaseAndAnotherSchemeAreTaken()
    {
        using ReversibleLmTransformer model = Fit(o => (o.BasePrecision, o.Scheme) = (Precision.BFloat16, Bdia.Blend()));
        Assert.AreEqual(Bdia.Blend(), model.Scheme);
        Assert.IsTrue(float.IsFinite(Likelihoods(model)[0]));
        long before = TestModels.LiveTensors();
        Fit(o => (o.BasePrecision, o.MaxSteps, o.ChatFormat) = (Precision.BFloat16, 1, ChatFormat.ChatMl)).Dispose();
        Assert.AreEqual(before, TestModels.LiveTensors());
    }

    /// <summary>The whole way: a trained model, conversations, an adapter, and the merged model in llama.cpp.</summary>
    [TestMethod]
    public void AMergedModelSpeaksTheSameTextInLlamaCpp()
    {
        using ReversibleLmTransformer stories = Ml.Reversible().LoadPretrained(
            TestData.Require("stories260k/hf-llama-form"), tokenizerPath: TestData.Require("stories260k/tok512.model"));
        string[] animals = ["dog", "cat", "bird"];
        ConversationRow[] rows =
        [
            .. Enumerable.Range(0, 60).Select(i => new ConversationRow
            {
                Roles = ["user", "assistant"], Texts = [$"What did the {animals[i % 3]} see?", $"The {animals[i % 3]} saw a big tree."],
            }),
        ];
        using ReversibleLmTransformer model = Ml.Reversible().FineTune(new FineTuneEstimator.Options
        {
            Model = stories, ChatFormat = ChatFormat.Llama2, LoraRank = 4, ContextLength = 128, BatchSize = 4, MaxSteps = 60,
            LearningRate = 1e-2, Seed = 1,
        }).Fit(Chats.View(rows));
        Assert.IsLessThan(0.3 * model.Metrics!.History[0].Loss, model.Metrics.ValidationLoss!.Value);

        using ReversibleLmTransformer merged = model.MergeAdapter();
        merged.SaveGguf(_scratch.File("model.gguf"), WeightPrecision.Float32);
        using var other = new LlamaCpp(_scratch.File("model.gguf"), 256);
        LanguageModelTokenizer tokenizer = model.Model.Tokenizer;
        const string prompt = "[INST] What did the cat see? [/INST]";
        int[] ids = [tokenizer.BeginOfTextId, .. tokenizer.Encode(prompt)];
        string text = model.Generate(prompt, maxTokens: 40, temperature: 0);
        StringAssert.Contains(text, "The cat saw a big tree.");
        int[] greedy = other.Greedy(ids, 40);
        int end = Array.FindIndex(greedy, Prompt.Ends(model.Model).Contains);
        Assert.AreEqual(text, tokenizer.Decode([.. ids[1..], .. end < 0 ? greedy : greedy[..end]]));
    }

    private static ReversibleLmTransformer Fit(Action<FineTuneEstimator.Options>? change = null) => Chats.Fit(o =>
    {
        o.LoraRank = 2;
        change?.Invoke(o);
    });

    private static float[] Likelihoods(ReversibleLmTransformer model) =>
        [.. Chats.Scores(model, Chats.Rows[..4]).Select(row => row.LogLikelihood)];

    private static void AssertNear(float[] expected, float[] actual)
    {
        for (int i = 0; i < expected.Length; i++) Assert.AreEqual(expected[i], actual[i], 1e-3f);
    }
}
