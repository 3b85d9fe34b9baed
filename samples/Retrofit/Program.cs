// Converts a trained model to a reversible one, compares its text with the original's, and fine-tunes it.
//
//   dotnet run -c Release --project samples/Retrofit                                   a small teacher that the sample trains first
//   dotnet run -c Release --project samples/Retrofit -- gpt2 text.txt                  a Hugging Face folder, and text to distil on
//   dotnet run -c Release --project samples/Retrofit -- gpt2 text.txt --scheme blend:16 --max-steps 0 --device cuda
using System.CommandLine;
using System.Text;
using Microsoft.ML;
using Microsoft.ML.Reversible;
using Quickstart;
using Retrofit;

var folder = new Argument<string?>("teacher")
{
    Description = "The trained model, a folder in Hugging Face's layout; without it the sample trains one.",
    Arity = ArgumentArity.ZeroOrOne,
};
var text = new Argument<FileInfo?>("text")
{
    Description = "Text to distil on, one row per line; without it the sample generates stories.",
    Arity = ArgumentArity.ZeroOrOne,
};
var own = new Option<FileInfo?>("--fine-tune") { Description = "Text to fine-tune on, one row per line. Default: the text to distil on." };
var scheme = new Option<string>("--scheme")
{
    Description = "blend:K, iterated-inverse:a=A,m=M, midpoint, leapfrog, bdia, or auto.", DefaultValueFactory = _ => "midpoint",
};
var steps = new Option<int>("--max-steps") { Description = "Steps of the distillation, at least 0.", DefaultValueFactory = _ => 100 };
var context = new Option<int>("--context-length") { Description = "Tokens in a window.", DefaultValueFactory = _ => 64 };
var device = new Option<string?>("--device") { Description = "cpu, cuda or cuda:N." };
var output = new Option<string>("--out")
{
    Description = "The output folder.", DefaultValueFactory = _ => Path.Combine(Path.GetTempPath(), "reversible-retrofit"),
};
var prompt = new Option<string>("--prompt") { Description = "The prompt for both models.", DefaultValueFactory = _ => "Once upon a time," };
var command = new RootCommand("Converts a trained model to a reversible one.")
{
    folder, text, own, scheme, steps, context, device, output, prompt,
};
command.SetAction(Run);
try
{
    return command.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (DecoderFallbackException e)
{
    Console.Error.WriteLine($"A file is not text in UTF-8: {e.Message} Convert it to UTF-8.");
    return 1;
}
catch (Exception e)
    when (e is ArgumentException or InvalidOperationException or InvalidDataException or IOException or UnauthorizedAccessException
        or DllNotFoundException)
{
    Console.Error.WriteLine(e.Message.ReplaceLineEndings(" "));
    return 1;
}

int Run(ParseResult arguments)
{
    // 1. A teacher: a folder with a trained residual model, and text similar to its training data.
    var ml = new MLContext(seed: 1) { FallbackToCpu = false };
    Directory.CreateDirectory(arguments.GetValue(output)!);
    IDataView data = Rows(ml, arguments.GetValue(text)) ?? ml.Data.LoadFromEnumerable(Stories.Make(count: 3000, seed: 1));
    string teacherPath = arguments.GetValue(folder) ?? SmallTeacher.Train(ml, data, Path.Combine(arguments.GetValue(output)!, "teacher"));
    using ReversibleLmTransformer teacher = ml.Reversible().LoadPretrained(teacherPath, device: arguments.GetValue(device));

    // 2. The retrofit: a reversible recurrence over the same blocks, and distillation to reproduce the teacher's outputs.
    string recurrence = arguments.GetValue(scheme)!;
    int maxSteps = arguments.GetValue(steps), contextLength = Math.Min(arguments.GetValue(context), teacher.Configuration.ContextLength);
    var options = new RetrofitEstimator.Options { Teacher = teacher, Distill = maxSteps > 0, ChooseScheme = recurrence == "auto" };
    if (!options.ChooseScheme) options.Scheme = Scheme.Parse(recurrence);
    (options.ContextLength, options.Device) = (contextLength, arguments.GetValue(device));
    if (maxSteps > 0) options.MaxSteps = maxSteps;
    using ReversibleLmTransformer student = Output.ShowProgress("distilling", progress =>
    {
        options.Progress = progress;
        return ml.Reversible().Retrofit(options).Fit(data);
    });
    Screen.ShowReport(student.Retrofit!);

    // 3. Both models continue a text with the most likely tokens.
    string beginning = arguments.GetValue(prompt)!;
    Screen.ShowBeside("teacher", Write(teacher), "student", Write(student));

    // 4. The student is saved as a Hugging Face folder with its scheme. The ordinary trainer fine-tunes it with activation memory for one
    // layer.
    string root = arguments.GetValue(output)!, studentPath = Path.Combine(root, "student"), tunedPath = Path.Combine(root, "tuned");
    student.SavePretrained(studentPath);
    IDataView ownData = Rows(ml, arguments.GetValue(own)) ?? (arguments.GetValue(text) is null ? SmallTeacher.StoriesOfMia(ml) : data);
    using ReversibleLmTransformer tuned = Output.ShowProgress("fine-tuning", progress =>
        ml.Reversible().LanguageModel(new ReversibleLmTrainer.Options
        {
            PretrainedFolder = studentPath,
            FreezeEmbedding = true,
            ContextLength = contextLength,
            BatchSize = 8,
            MaxSteps = 60,
            LearningRate = 3e-4,
            Device = arguments.GetValue(device),
            Progress = progress,
        }).Fit(ownData));
    tuned.SavePretrained(tunedPath);
    Screen.ShowBeside("student", Write(student), "fine-tuned", Write(tuned));
    Screen.ShowSaved(studentPath, tunedPath, tuned);
    return 0;

    string Write(ReversibleLmTransformer model) => model.Generate(beginning, maxTokens: 70, temperature: 0);
}

static IDataView? Rows(MLContext ml, FileInfo? file) =>
    file is null ? null : ml.Data.LoadFromEnumerable(TextRow.In(file));
