using Microsoft.ML.Data;
using Microsoft.ML.Reversible.Evaluation;
using Microsoft.ML.Reversible.Language;

namespace Microsoft.ML.Reversible;

public static partial class ZeroShotTasks
{
    /// <summary>The 57 subjects of MMLU, such as <c>abstract_algebra</c>, in alphabetical order.</summary>
    public static IReadOnlyList<string> MmluSubjects { get; } = [.. MmluBenchmark.Subjects.Select(one => one.Subject)];

    /// <summary>
    /// <c>mmlu_</c> and the subject: exam questions with four choices, which the context lists; the answers are the letters A to D. A
    /// column of text <c>question</c>, a vector of text <c>choices</c>, and the integer <c>answer</c>, 0 to 3. Most published numbers use
    /// five examples.
    /// </summary>
    /// <param name="subject">One of <see cref="MmluSubjects"/>.</param>
    /// <exception cref="ArgumentException">There is no such subject.</exception>
    public static ZeroShotTask Mmlu(string subject) => MmluBenchmark.Find(subject, "");

    /// <summary>
    /// <c>mmlu_</c>, the subject and <c>_continuation</c>: the same questions and columns, but the context does not list the choices, and
    /// their texts are scored.
    /// </summary>
    /// <param name="subject">One of <see cref="MmluSubjects"/>.</param>
    /// <exception cref="ArgumentException">There is no such subject.</exception>
    public static ZeroShotTask MmluContinuation(string subject) => MmluBenchmark.Find(subject, MmluBenchmark.Continuation);

    /// <summary>MMLU, whose subjects are grouped into four fields.</summary>
    private sealed class MmluBenchmark : Benchmark<MmluBenchmark.Row>
    {
        public const string Continuation = "_continuation";

        private const string Group = "mmlu";

        private static readonly string[] _letters = ["A", "B", "C", "D"];
        private static readonly string[] _splits = ["test", "val", "dev"];

        private static readonly (string Field, string Subjects)[] _fields =
        [
            ("stem",
                "abstract_algebra anatomy astronomy college_biology college_chemistry college_computer_science " +
                "college_mathematics college_physics computer_security conceptual_physics electrical_engineering " +
                "elementary_mathematics high_school_biology high_school_chemistry high_school_computer_science " +
                "high_school_mathematics high_school_physics high_school_statistics machine_learning"),
            ("humanities",
                "formal_logic high_school_european_history high_school_us_history high_school_world_history international_law " +
                "jurisprudence logical_fallacies moral_disputes moral_scenarios philosophy prehistory professional_law " +
                "world_religions"),
            ("social_sciences",
                "econometrics high_school_geography high_school_government_and_politics high_school_macroeconomics " +
                "high_school_microeconomics high_school_psychology human_sexuality professional_psychology public_relations " +
                "security_studies sociology us_foreign_policy"),
            ("other",
                "business_ethics clinical_knowledge college_medicine global_facts human_aging management marketing " +
                "medical_genetics miscellaneous nutrition professional_accounting professional_medicine virology"),
        ];

        /// <summary>The subjects and their fields, in alphabetical order.</summary>
        public static IReadOnlyList<(string Subject, string Field)> Subjects { get; } =
        [
            .. _fields.SelectMany(field => field.Subjects.Split(' '), (field, subject) => (subject, field.Field))
                .OrderBy(pair => pair.subject, StringComparer.Ordinal),
        ];

        /// <summary>Returns the task of a subject.</summary>
        public static ZeroShotTask Find(string subject, string ending)
        {
            ArgumentNullException.ThrowIfNull(subject);
            return _byName.TryGetValue($"{Group}_{subject}{ending}", out ZeroShotTask? task)
                ? task
                : throw new ArgumentException(
                    $"MMLU has no subject '{subject}'. {nameof(ZeroShotTasks)}.{nameof(MmluSubjects)} lists them.", nameof(subject));
        }

        public override IEnumerable<ZeroShotTask> MakeTasks()
        {
            foreach ((string subject, string field) in Subjects)
            {
                yield return new($"{Group}_{subject}", ZeroShotKind.MultipleChoice, Columns, Items((row, n) => row.ToLetters(n)))
                {
                    Groups = [Group, $"{Group}_{field}"],
                    Description = $"The following are multiple choice questions (with answers) about {subject.Replace('_', ' ')}.\n\n",
                    Metrics = [ZeroShotMetricNames.Accuracy],
                    ChoiceNames = _letters,
                    Benchmark = this,
                };
            }
            foreach ((string subject, string field) in Subjects)
            {
                string name = $"{Group}_{subject}{Continuation}";
                yield return new(name, ZeroShotKind.MultipleChoice, Columns, Items((row, _) => row.ToContinuations()))
                {
                    Groups = [Group + Continuation, $"{Group}_{field}{Continuation}"],
                    Description = $"The following are questions (with answers) about {subject.Replace('_', ' ')}.\n\n",
                    ChoiceNames = _letters,
                    Benchmark = this,
                };
            }
        }

        /// <summary>Reads comma-separated values without a header: the question, four choices and a letter.</summary>
        protected override IEnumerable<Row> Read(ZeroShotTask task, string path, LabelFile labels) =>
            CsvRecord.Read(SourceFile.Lines(SubjectFile(task, path))).Select(Row.Of);

        /// <summary>Finds the subject's file in a folder with one file per subject, or in a subfolder of a split.</summary>
        private static string SubjectFile(ZeroShotTask task, string path)
        {
            if (!Directory.Exists(path)) return path;
            string subject = task.Name[(Group.Length + 1)..];
            if (subject.EndsWith(Continuation, StringComparison.Ordinal)) subject = subject[..^Continuation.Length];
            IEnumerable<string> names = _splits.Select(split => $"{subject}_{split}.csv");
            IEnumerable<string> inner = _splits.Select(split => Path.Combine(split, $"{subject}_{split}.csv"));
            return names.Concat(inner).Select(name => Path.Combine(path, name)).FirstOrDefault(File.Exists)
                ?? throw new FileNotFoundException(
                    $"The folder {path} has no file of subject '{subject}': {subject}_test.csv, {subject}_val.csv or {subject}_dev.csv.",
                    Path.Combine(path, $"{subject}_test.csv"));
        }

        public sealed class Row
        {
            [ColumnName("question")]
            public string Question { get; set; } = "";

            [ColumnName("choices")]
            public string[] Choices { get; set; } = [];

            [ColumnName("answer")]
            public int Answer { get; set; }

            public static Row Of(CsvRecord record)
            {
                if (record.Fields.Length != 6)
                    throw record.Line.Broken($"has {record.Fields.Length} fields, but must have a question, four choices and a letter.");
                string letter = record.Fields[5].Trim();
                int answer = Array.IndexOf(_letters, letter);
                if (answer < 0) throw record.Line.Broken($"the answer is '{SourceLine.Shown(letter)}', but must be one of A, B, C, D.");
                return new Row { Question = record.Fields[0], Choices = record.Fields[1..5], Answer = answer };
            }

            public ZeroShotItem ToLetters(long number)
            {
                if (Choices.Length != _letters.Length)
                    throw new InvalidDataException($"Row {number} has {Choices.Length} choices, but must have {_letters.Length}.");
                string shown = string.Concat(_letters.Zip(Choices, (letter, choice) => $"\n{letter}. {choice}"));
                return ZeroShotItem.MultipleChoice($"{PythonText.Strip(Question)}{shown}\nAnswer:", _letters, Answer);
            }

            public ZeroShotItem ToContinuations() => ZeroShotItem.MultipleChoice(
                $"Question: {PythonText.Strip(Question)}\nAnswer:", Choices, Answer);
        }
    }
}
