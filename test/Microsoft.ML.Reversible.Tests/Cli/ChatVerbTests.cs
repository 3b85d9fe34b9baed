using System.Text.Json;
using Microsoft.ML.Reversible.Cli;
using Microsoft.ML.Reversible.Tests.FineTuning;
using Microsoft.ML.Reversible.Tests.Storage;

namespace Microsoft.ML.Reversible.Tests.Cli;

[TestClass]
public sealed class ChatVerbTests
{
    private static readonly ScratchFolder _folder = new();

    private static string Model => _folder.File("model");

    private static string[] Chat => ["chat", "--model", Model, "--format", "zephyr", "--temperature", "0"];

    [ClassInitialize]
    public static void Train(TestContext _)
    {
        using ReversibleLmTransformer model = ChatModel.Train();
        model.SavePretrained(Model);
    }

    [ClassCleanup]
    public static void Free() => _folder.Dispose();

    [TestMethod]
    public void APipeGetsOneAnswerForEachLineAndNothingElse()
    {
        CliRun run = CliRun.With("ping\n/reset\nping\n", default, Chat);
        string line = ChatModel.Answer + Environment.NewLine;
        Assert.AreEqual((0, line + line, ""), (run.Code, run.Out, run.Error));
        Assert.AreEqual((0, "", ""), Result(CliRun.With("", default, Chat)));
        Assert.AreEqual(line, CliRun.With("ping\n/exit\nping\n", default, Chat).Out);
    }

    [TestMethod]
    public void TheConversationGoesOnFromLineToLine()
    {
        JsonElement[] lines = CliRun.With("ping\nping\n\n", default, [.. Chat, "--json", "--overflow", "refuse", "--max-tokens", "4"]).Json;
        Assert.HasCount(2, lines);
        Assert.AreEqual("ping", lines[0].GetProperty("user").GetString());
        Assert.AreEqual(ChatModel.Answer, lines[0].GetProperty("assistant").GetString());
        Assert.AreEqual("length", lines[0].GetProperty("finish_reason").GetString());
        Assert.AreEqual(4, lines[0].GetProperty("output_tokens").GetInt32());
        Assert.IsGreaterThan(lines[0].GetProperty("input_tokens").GetInt32(), lines[1].GetProperty("input_tokens").GetInt32());
    }

    [TestMethod]
    public void WhatNoLongerFitsIsLeftOutAndSaid()
    {
        CliRun run = CliRun.With("ping\nping\nping\nping\n", default, [.. Chat, "--json"]);
        Assert.AreEqual(0, run.Code, run.Error);
        Assert.IsTrue(run.Json[^1].GetProperty("dropped_turns").GetInt32() > 0);
        StringAssert.Contains(run.Error, "oldest turns were left out: the context is full.");
        CliRun refused = CliRun.With("ping\nping\nping\nping\n", default, [.. Chat, "--overflow", "refuse"]);
        Assert.AreEqual(1, refused.Code);
        StringAssert.Contains(refused.Error, "set --overflow to drop-oldest");
        StringAssert.Contains(
            CliRun.With("ping\n", default, [.. Chat, "--overflow", "refuse", "--max-tokens", "90"]).Error, "lower --max-tokens");
    }

    [TestMethod]
    public void ASeedGivesTheSameAnswers()
    {
        string[] hot = ["chat", "--model", Model, "--format", "zephyr", "--temperature", "3", "--max-tokens", "12", "--seed"];
        Assert.AreEqual(CliRun.With("ping\n", default, [.. hot, "5"]).Out, CliRun.With("ping\n", default, [.. hot, "5"]).Out);
        Assert.AreNotEqual(CliRun.With("ping\n", default, [.. hot, "5"]).Out, CliRun.With("ping\n", default, [.. hot, "6"]).Out);
    }

    [TestMethod]
    [DataRow("'vicuna' is not known. It must be one of chatml", "--format", "vicuna")]
    [DataRow("needs the token '<|im_start|>'", "--format", "chatml")]
    [DataRow("gemma has no system turn", "--format", "gemma", "--system", "x")]
    [DataRow("Set --format to the format that the model was trained with.")]
    [DataRow("--max-tokens must be at least 1", "--format", "zephyr", "--max-tokens", "0")]
    [DataRow("--overflow must be", "--format", "zephyr", "--overflow", "slide")]
    public void AWrongOptionIsRefused(string message, params string[] options) =>
        CliRun.Of(["chat", "--model", Model, .. options]).AssertRefused(message);

    [TestMethod]
    public void ACancelledRunIsInterrupted() =>
        Assert.AreEqual(130, CliRun.With("ping\n", new CancellationToken(canceled: true), Chat).Code);

    [TestMethod]
    public void OnATerminalCtrlCStopsTheAnswerAlone()
    {
        using var interrupts = new Interrupts();
        using var screen = new PressingWriter(interrupts, at: "p");
        using var error = new StringWriter();
        var terminal = new Terminal(new StringReader("ping\n\nping\n/exit\n"), screen, error, InIsScreen: true) { Interrupts = interrupts };

        Assert.AreEqual(0, Reversible.Cli.CommandLine.Run(Chat, terminal, interrupts.Token), error.ToString());

        string[] lines = screen.ToString().Split(Environment.NewLine);
        CollectionAssert.AreEqual(new[] { "> p", $"> > {ChatModel.Answer}", "> " }, lines);
        Assert.AreEqual("", error.ToString());
        Assert.IsFalse(interrupts.Token.IsCancellationRequested);
    }

    [TestMethod]
    public void OnATerminalAStoppedAnswerUsesUpItsSeed()
    {
        string[] hot = ["chat", "--model", Model, "--format", "zephyr", "--temperature", "3", "--max-tokens", "12", "--seed"];
        string first = CliRun.With("ping\n", default, [.. hot, "5"]).Out, second = CliRun.With("ping\n", default, [.. hot, "6"]).Out;
        Assert.AreNotEqual(first, second);
        using var interrupts = new Interrupts();
        using var screen = new PressingWriter(interrupts, at: null);
        using var error = new StringWriter();
        var terminal = new Terminal(new StringReader("ping\n/reset\nping\n"), screen, error, InIsScreen: true) { Interrupts = interrupts };

        Assert.AreEqual(0, Reversible.Cli.CommandLine.Run([.. hot, "5"], terminal, interrupts.Token), error.ToString());

        StringAssert.EndsWith(screen.ToString(), $"{Environment.NewLine}> > {second}> ");
    }

    [TestMethod]
    public void OnATerminalARefusedTurnIsLeftOut()
    {
        using StringWriter screen = new(), error = new();
        var terminal = new Terminal(new StringReader($"{new string('x', 300)}\nping\n"), screen, error, InIsScreen: true);
        Assert.AreEqual(0, Reversible.Cli.CommandLine.Run(Chat, terminal, default));
        Assert.AreEqual($"> > {ChatModel.Answer}{Environment.NewLine}> ", screen.ToString());
        StringAssert.Contains(error.ToString(), "Shorten the conversation");
    }

    [TestMethod]
    public void ASignalEndsTheCommandOrTheProcess()
    {
        using var error = new StringWriter();
        using var working = new Interrupts();
        Assert.IsTrue(working.Handle(isInterrupt: true, error));
        Assert.IsTrue(working.Token.IsCancellationRequested);
        Assert.IsFalse(working.Handle(isInterrupt: true, error));
        StringAssert.Contains(error.ToString(), "Stopping");

        using var waiting = new Interrupts();
        Assert.AreEqual("False", waiting.Wait(() => waiting.Handle(isInterrupt: true, error).ToString()));

        using var answering = new Interrupts();
        answering.Answer(stop =>
        {
            Assert.IsTrue(answering.Handle(isInterrupt: true, error));
            Assert.AreEqual((true, false), (stop.IsCancellationRequested, answering.Token.IsCancellationRequested));
            Assert.IsTrue(answering.Handle(isInterrupt: true, error));
            Assert.IsTrue(answering.Token.IsCancellationRequested);
        });
        using var ended = new Interrupts();
        ended.Answer(_ => Assert.IsTrue(ended.Handle(isInterrupt: false, error)));
        Assert.IsTrue(ended.Token.IsCancellationRequested);
    }

    private static (int, string, string) Result(CliRun run) => (run.Code, run.Out, run.Error);

    /// <summary>Presses Ctrl+C when a text is first written; null for any but the prompt.</summary>
    private sealed class PressingWriter(Interrupts interrupts, string? at) : StringWriter
    {
        private bool _pressed;

        public override void Write(string? value)
        {
            base.Write(value);
            if (_pressed || (at is null ? value == "> " : value != at)) return;
            _pressed = true;
            interrupts.Handle(isInterrupt: true, this);
        }
    }
}
