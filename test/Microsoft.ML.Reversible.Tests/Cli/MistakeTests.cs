using Microsoft.ML.Reversible.Cli.Verbs;

namespace Microsoft.ML.Reversible.Tests.Cli;

/// <summary>Wrong command lines, and what each message says to do.</summary>
[TestClass]
public sealed class MistakeTests
{
    [TestMethod]
    [DataRow("", "A verb is missing; the verbs are train, retrofit, finetune, align, generate")]
    [DataRow("trian", "There is no verb 'trian'; did you mean 'train'?")]
    [DataRow("Train", "did you mean 'train'?")]
    [DataRow("eval", "did you mean 'evaluate'?")]
    [DataRow("benchmark", "did you mean 'bench'?")]
    [DataRow("frobnicate", "There is no verb 'frobnicate'; the verbs are train,")]
    [DataRow("trian --help", "did you mean 'train'?")]
    [DataRow("help trian", "did you mean 'train'?")]
    [DataRow("--model x", "A verb is missing before '--model'")]
    [DataRow("train", "'--data FILE...', '--out FOLDER' are missing. See 'reversible train --help'.")]
    [DataRow("train --data a", "'--out FOLDER' is missing.")]
    [DataRow("train a b", "'a' is not expected: a value follows the name of its option, as in '--data FILE...'.")]
    [DataRow("gradcheck 5", "'5' is not expected: a value follows the name of its option.")]
    [DataRow("train --data a --out b --max-steps 5 6", "'6' is not expected: --max-steps takes one value.")]
    [DataRow("train --data a --out b --max-steps 5 5", "'5' is not expected: --max-steps takes one value.")]
    [DataRow("train --data a --out b --json=false", "'false' is not expected: --json takes no value.")]
    [DataRow("train --data a --out b --tied-head maybe", "--tied-head must be true or false, not 'maybe'.")]
    [DataRow("train --data a --out b --max-steps 5 --max-steps 6", "--max-steps is given 2 times. Give it once.")]
    [DataRow("train --data a --out b --width 8 --width", "--width is given 2 times.")]
    [DataRow("train --data a --out b --width", "--width needs a value, as in '--width N'.")]
    [DataRow("train --data", "--data needs a value, as in '--data FILE...'.")]
    [DataRow("train --data a --out b --steps 5", "There is no option '--steps'; did you mean '--max-steps'?")]
    [DataRow("train --data a --out b --lr 5", "did you mean '--learning-rate'?")]
    [DataRow("train --data a --out b --layers 5", "did you mean '--layer-count'?")]
    [DataRow("train --data a --out b --layerCount 5", "did you mean '--layer-count'?")]
    [DataRow("train --data a --out b -layer-count 5", "did you mean '--layer-count'?")]
    [DataRow("train --data a --out b --layer_count=5", "did you mean '--layer-count'?")]
    [DataRow("train --data a --max-step 5 --out b", "There is no option '--max-step'; did you mean '--max-steps'?")]
    [DataRow("train --data a --max-step=5 --out b", "did you mean '--max-steps'?")]
    [DataRow("bench --layer-count 2 --widht 64", "There is no option '--widht'; did you mean '--width'?")]
    [DataRow("train --data a --out --json", "--out needs a value before '--json', or '--out=--json' if that is the value.")]
    [DataRow("train --data --out b", "--data needs a value before '--out'")]
    [DataRow("evaluate --model x --task --limit 5", "--task needs a value before '--limit'")]
    [DataRow("generate --model --prompt x", "--model needs a value before '--prompt'")]
    [DataRow("generate --model x --prompt=--json", "--model: the folder 'x' does not exist.")]
    [DataRow("train --hlep", "did you mean '--help'?")]
    [DataRow("train --nothing-like-it 2", "There is no option '--nothing-like-it'. See 'reversible train --help'.")]
    [DataRow("train --data a --out b --max-steps ten", "--max-steps must be a whole number, not 'ten'.")]
    [DataRow("train --data a --out b --max-steps 99999999999", "--max-steps must be a whole number from -2147483648 to 2147483647, not")]
    [DataRow("train --data a --out b --learning-rate 1,5", "--learning-rate must be a number, not '1,5'.")]
    [DataRow("train --data a --out b --scheme midpont", "Did you mean 'midpoint'?")]
    [DataRow("train --data a --out b --scheme midpoint:start=foo", "'foo' is not one of repeat, euler.")]
    [DataRow("train --data a --out b --scheme midpoint:0", "--scheme: A scheme's step size must be positive")]
    [DataRow("train --data none.txt --out b", "--data: the file 'none.txt' does not exist.")]
    [DataRow("generate --model gpt-2 --prompt x",
        "--model: the folder 'gpt-2' does not exist. Name a local folder; models are not downloaded.")]
    [DataRow("generate --model x --prompt x --fallback-to-cpu", "--fallback-to-cpu has no effect on the CPU.")]
    [DataRow("evaluate --model x --task piqa", "--task must be NAME=PATH, such as piqa=valid.jsonl, not 'piqa'.")]
    [DataRow("evaluate --model x --task pica=y", "--task: there is no task 'pica'; did you mean 'piqa'?")]
    [DataRow("evaluate --model x --task piqa=.", "--task: '.' is a folder. Name the file of 'piqa'")]
    [DataRow("bench --max-batch 8", "--max-batch has no effect without --search. Leave it out, or set --search.")]
    [DataRow("gradcheck --backward-mode stored", "--backward-mode must be checkpointed or reversible, not stored.")]
    [DataRow("gradcheck --scheme residual", "--backward-mode must be stored or checkpointed, not reversible.")]
    public void AWrongCommandLineIsRefusedInALineThatSaysWhatToDo(string line, string message) =>
        CliRun.Of(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).AssertRefused(message);

    [TestMethod]
    [DataRow("help", "Usage: reversible VERB")]
    [DataRow("-?", "Usage: reversible VERB")]
    [DataRow("help train", "Usage: reversible train --data FILE")]
    [DataRow("train -h --nonsense", "Usage: reversible train --data FILE")]
    public void HelpIsShownHoweverItIsAskedFor(string line, string shown)
    {
        CliRun run = CliRun.Of(line.Split(' '));
        Assert.AreEqual((0, ""), (run.Code, run.Error));
        StringAssert.Contains(run.Out, shown);
    }

    [TestMethod]
    public void EveryVerbWithADeviceFallsBackOnRequestAndItsErrorNamesTheOption()
    {
        foreach (Verb verb in Reversible.Cli.CommandLine.Verbs(new(TextReader.Null, TextWriter.Null, TextWriter.Null)))
        {
            string[] names = [.. verb.Command.Options.Select(option => option.Name)];
            Assert.AreEqual(names.Contains("--device"), names.Contains("--fallback-to-cpu"), verb.Command.Name);
        }
        CliRun.Of("gradcheck", "--device", "cuda:99").AssertRefused("The device 'cuda:99'", "or set --fallback-to-cpu.");
        CliRun run = CliRun.Of(
            "gradcheck", "--device", "cuda:99", "--fallback-to-cpu", "--layer-count", "1", "--width", "8", "--context-length", "4");
        Assert.AreEqual(0, run.Code, run.Error);
        StringAssert.Contains(run.Error, "Falling back to the CPU.");
        StringAssert.Contains(run.Out, ", cpu: ");
    }
}
