using Microsoft.ML.Data;
using Microsoft.ML.Reversible.FineTuning;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Tests.Storage;
using Microsoft.ML.Reversible.Tests.Training;

namespace Microsoft.ML.Reversible.Tests.FineTuning;

[TestClass]
public sealed class FineTuneEstimatorTests
{
    private static readonly MLContext Ml = new(seed: 1);

    [TestMethod]
    public void TheAssistantsLossFallsAndTheModelAnswers()
    {
        using ReversibleLmTransformer model = Chats.Fit(o => o.MaxSteps = 150);
        Assert.IsLessThan(0.5 * model.Metrics!.History[0].Loss, model.Metrics.ValidationLoss!.Value);
        int[] prompt = new ChatEncoder(model.Model.Tokenizer, ChatFormat.Llama2).EncodePrompt([new(ChatTurn.UserRole, "who 1?")]);
        IReadOnlyList<int> answer = model.GenerateIds(prompt, new GenerationOptions { MaxTokens = 30, Temperature = 0 });
        StringAssert.EndsWith(model.Model.Tokenizer.Decode([.. answer]), "the blue dog ");
    }

    [TestMethod]
    public void TheReportSaysWhatIsTrainedOn()
    {
        var reports = new List<FineTuneReport>();
        using ReversibleLmTransformer model = Chats.Fit(
            o => o.ReportProgress = new Listener(reports),
            [.. Chats.Rows, Row("x", new string('y', 100)), Row(new string('x', 100), "y")]);
        FineTuneReport report = model.FineTuning!;
        Assert.AreEqual(report, reports.Single());
        Assert.AreEqual("llama2", report.ChatFormat);
        Assert.AreEqual(41, report.ConversationCount + report.ValidationConversationCount);
        Assert.AreEqual(1, report.TruncatedCount);
        Assert.AreEqual(1, report.DroppedCount);
        Assert.AreEqual(0, report.AddedTokenCount);
        Assert.AreEqual(model.Configuration.ParameterCount, report.ParameterCount);
        Assert.AreEqual(report.ParameterCount, report.TrainableParameterCount);
        StringAssert.Contains(report.ToString(), "1 conversations are longer than the context and were truncated");
        StringAssert.Contains(report.ToJson(), "\"truncated\":1,\"dropped\":1,");
    }

    [TestMethod]
    public void TheColumnsAreThoseOfTheAssistantsTokens()
    {
        using ReversibleLmTransformer model = Chats.Fit();
        ConversationRow[] rows = [Row("who 1?", "the fox"), Row("a", "b", "c", "d"), new() { Roles = ["user"], Texts = ["a"] }];
        Chats.ScoredRow[] scores = Chats.Scores(model, rows);
        var encoder = new ChatEncoder(model.Model.Tokenizer, ChatFormat.Llama2);
        for (int i = 0; i < 2; i++)
        {
            ChatTokens tokens = encoder.Encode([.. rows[i].Roles.Zip(rows[i].Texts, (role, text) => new ChatTurn(role, text))]);
            (double sum, int count) = Reference(model, tokens);
            Assert.AreEqual(count, scores[i].TokenCount);
            Assert.AreEqual(sum, scores[i].LogLikelihood, 1e-4 * Math.Abs(sum));
            Assert.AreEqual(Math.Exp(-sum / count), scores[i].Perplexity, 1e-3 * scores[i].Perplexity);
        }
        Assert.AreEqual((0f, 0, 1f), (scores[2].LogLikelihood, scores[2].TokenCount, scores[2].Perplexity));
    }

    [TestMethod]
    public void AConversationLongerThanTheContextIsScoredAsAWhole()
    {
        using ReversibleLmTransformer model = Chats.Fit();
        Chats.ScoredRow score = Chats.Scores(model, Row("who 1?", new string('a', 150))).Single();
        Assert.IsGreaterThanOrEqualTo(150, score.TokenCount);
        Assert.IsTrue(float.IsFinite(score.LogLikelihood));
    }

    [TestMethod]
    public void TheSchemaIsThePromise()
    {
        FineTuneEstimator estimator = Ml.Reversible().FineTune(Chats.Quick);
        IDataView data = Chats.View(Chats.Rows);
        SchemaShape promised = estimator.GetOutputSchema(SchemaShapeOf(data));
        using ReversibleLmTransformer model = estimator.Fit(data);
        DataViewSchema given = model.GetOutputSchema(data.Schema);
        CollectionAssert.AreEqual(
            promised.Select(column => $"{column.Name} {column.Kind} {column.ItemType}").ToArray(),
            SchemaShapeOf(model.Transform(data)).Select(column => $"{column.Name} {column.Kind} {column.ItemType}").ToArray());
        CollectionAssert.AreEqual(
            new[] { "Roles", "Texts", "LogLikelihood", "TokenCount", "Perplexity" }, given.Select(column => column.Name).ToArray());
    }

    [TestMethod]
    public void APromptAndAResponseAreAConversation()
    {
        ConversationRow[] rows = Chats.Rows;
        IDataView prompts = Ml.Data.LoadFromEnumerable(
            rows.Select(row => new Chats.PromptRow { Prompt = row.Texts[0], Response = row.Texts[1] }));
        FineTuneEstimator.Options options = Chats.Quick;
        (options.PromptColumnName, options.ResponseColumnName, options.SystemColumnName) = ("Prompt", "Response", "System");
        using ReversibleLmTransformer model = Ml.Reversible().FineTune(options).Fit(prompts), expected = Chats.Fit();
        RunOptions.AssertSame(expected, model);
        float[] scores = [.. model.Transform(prompts).GetColumn<float>("LogLikelihood")];
        CollectionAssert.AreEqual(Chats.Scores(expected, rows).Select(row => row.LogLikelihood).ToArray(), scores);
    }

    [TestMethod]
    public void ASystemPromptComesBeforeConversationsWithoutOne()
    {
        ConversationRow[] with =
            [.. Chats.Rows.Select(row => new ConversationRow { Roles = ["system", .. row.Roles], Texts = ["be", .. row.Texts] })];
        using ReversibleLmTransformer expected = Chats.Fit(null, with), model = Chats.Fit(o => o.SystemPrompt = "be");
        RunOptions.AssertSame(expected, model);
        Assert.AreEqual(Chats.Scores(expected, with[0])[0].LogLikelihood, Chats.Scores(model, Chats.Rows[0])[0].LogLikelihood);
    }

    [TestMethod]
    public void ValidationDataTakesThePlaceOfAFraction()
    {
        FineTuneEstimator estimator = Ml.Reversible().FineTune(Chats.Quick);
        using ReversibleLmTransformer model = estimator.Fit(Chats.View(Chats.Rows), Chats.View(Row("who 1?", "the fox")));
        Assert.AreEqual(40, model.FineTuning!.ConversationCount);
        Assert.AreEqual(1, model.FineTuning.ValidationConversationCount);
        Chats.ScoredRow score = Chats.Scores(model, Row("who 1?", "the fox")).Single();
        Assert.AreEqual(score.TokenCount, model.Metrics!.ValidationUnitCount);
        Assert.AreEqual(-score.LogLikelihood / score.TokenCount, model.Metrics.ValidationLoss!.Value, 1e-5);

        FineTuneEstimator.Options options = Chats.Quick;
        options.ValidationFraction = 0.2;
        var e = Assert.ThrowsExactly<ArgumentException>(
            () => Ml.Reversible().FineTune(options).Fit(Chats.View(Chats.Rows), Chats.View(Chats.Rows)));
        StringAssert.StartsWith(e.Message, "ValidationFraction has no effect if Fit gets validation data.");
    }

    [TestMethod]
    public void TheGivenModelIsNotChanged()
    {
        byte[][] before = [.. Chats.Model.Network.parameters().Select(weight => weight.bytes.ToArray())];
        using ReversibleLmTransformer model = Chats.Fit(o => (o.ModelPath, o.Model) = (null, Chats.Model)), fromFolder = Chats.Fit();
        foreach (var (bytes, weight) in before.Zip(Chats.Model.Network.parameters()))
            Assert.IsTrue(bytes.AsSpan().SequenceEqual(weight.bytes));
        RunOptions.AssertSame(fromFolder, model);
    }

    [TestMethod]
    public void AnotherSchemeConvertsTheWeights()
    {
        using ReversibleLmTransformer model = Chats.Fit(o => o.Scheme = Bdia.Blend());
        Assert.AreEqual(Bdia.Blend(), model.Scheme);
        using var scratch = new ScratchFolder();
        model.SavePretrained(scratch.File("model"));
        var e = Assert.ThrowsExactly<InvalidOperationException>(
            () => Chats.Fit(o => (o.ModelPath, o.Scheme) = (scratch.File("model"), Scheme.Midpoint)));
        StringAssert.Contains(e.Message, "only a residual model can be run by another one; 'midpoint");
    }

    [TestMethod]
    public void AZipKeepsTheColumnsOfConversations()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer model = Chats.Fit(o => (o.SystemPrompt, o.LogLikelihoodColumnName) = ("be", "Likelihood"));
        IDataView data = Chats.View(Chats.Rows);
        Ml.Reversible().Save(model, data.Schema, scratch.File("model.zip"));
        var loaded = (ReversibleLmTransformer)Ml.Reversible().Load(scratch.File("model.zip"), out _);
        using (loaded)
            CollectionAssert.AreEqual(
                model.Transform(data).GetColumn<float>("Likelihood").ToArray(),
                loaded.Transform(data).GetColumn<float>("Likelihood").ToArray());

        ITransformer placeholder = Ml.Model.Load(scratch.File("model.zip"), out _);
        var e = Assert.Throws<Exception>(() => placeholder.Transform(data).GetColumn<float>("Likelihood").ToArray());
        StringAssert.Contains(e.GetBaseException().Message, "Load the zip with mlContext.Reversible().Load");
    }

    [TestMethod]
    [DataRow("{}")]
    [DataRow("""{"Roles":"R"}""")]
    [DataRow("""{"Roles":"R","Texts":"T","Prompt":"P"}""")]
    [DataRow("""{"Prompt":"P","System":"S"}""")]
    public void ColumnsInAZipThatAreNoConversationAreRefused(string columns) => StringAssert.Contains(
        Assert.ThrowsExactly<InvalidDataException>(
            () => ConversationRows.Parse($$"""{"Read":{{columns}},"Added":{},"Format":"llama2"}""")).Message,
        "The columns must be Roles and Texts, or Prompt and Response");

    [TestMethod]
    public void WhatAZipCannotHoldIsNamed()
    {
        using var scratch = new ScratchFolder();
        using ReversibleLmTransformer model = Chats.Fit(), custom = Chats.Fit(o => o.ChatFormat = ChatFormat.Custom(
            "mine", (turns, _) => turns.Select(turn => ChatPiece.Content(turn.Content, turn.Role == ChatTurn.AssistantRole))));
        IDataView data = Chats.View(Chats.Rows);
        var e = Assert.Throws<Exception>(() => Ml.Model.Save(model, data.Schema, scratch.File("model.zip")));
        StringAssert.Contains(e.GetBaseException().Message, "cannot save the columns of conversations Roles, Texts");
        StringAssert.Contains(
            Assert.ThrowsExactly<NotSupportedException>(
                () => Ml.Reversible().Save(custom, data.Schema, scratch.File("model.zip"))).Message, "'mine' is a custom one");
        Assert.IsFalse(File.Exists(scratch.File("model.zip.partial")));
    }

    private static (double Sum, int Count) Reference(ReversibleLmTransformer model, ChatTokens tokens)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        using var noGraph = TorchSharp.torch.no_grad();
        long[] ids = [.. tokens.Ids.Select(id => (long)id)];
        var likelihoods = model.Network.forward(TorchSharp.torch.tensor(ids[..^1], [1, ids.Length - 1])).log_softmax(2)[0];
        (double sum, int count) = (0, 0);
        for (int i = 1; i < ids.Length; i++)
        {
            if (!tokens.IsLearned[i]) continue;
            sum += likelihoods[i - 1][ids[i]].item<float>();
            count++;
        }
        return (sum, count);
    }

    private static SchemaShape SchemaShapeOf(IDataView data) => Reversible.MLNet.SchemaShapes.From(data.Schema);

    private static ConversationRow Row(params string[] texts) =>
        new() { Roles = [.. texts.Select((_, i) => i % 2 == 0 ? "user" : "assistant")], Texts = texts };

    private sealed class Listener(List<FineTuneReport> reports) : IProgress<FineTuneReport>
    {
        public void Report(FineTuneReport value) => reports.Add(value);
    }
}
