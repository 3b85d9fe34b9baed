using Microsoft.ML.Reversible.Training;
using static Microsoft.ML.Reversible.Training.OptionChecks;

namespace Microsoft.ML.Reversible;

public sealed partial class RetrofitEstimator
{
    public sealed partial class Options
    {
        private const string WithoutDistillation = "if Distill is false, so that nothing is trained";
        private const string SetDistill = "set Distill to true";

        private static readonly string[] _ofLoss =
        [
            nameof(Divergence), nameof(JensenShannonWeight), nameof(Temperature), nameof(CrossEntropyWeight), nameof(HiddenStateWeight),
            nameof(LayerMap), nameof(TeacherTopK), nameof(TeacherCachePath),
        ];

        /// <summary>The training options that also apply to a conversion without training; all others are refused there.</summary>
        private static readonly string[] _ofConversion =
        [
            nameof(TextColumnName), nameof(LogLikelihoodColumnName), nameof(TokenCountColumnName), nameof(PerplexityColumnName),
            nameof(Tokenizer), nameof(TokenizerPath), nameof(EndOfTextId), nameof(TokenCachePath), nameof(DocumentBoundaries),
            nameof(TokenizationProgress), nameof(ContextLength), nameof(BatchSize), nameof(ValidationFraction), nameof(Device),
            nameof(Precision), nameof(Arithmetic), nameof(Progress), nameof(CancellationToken),
        ];

        /// <summary>The options that have an effect only if the student is distilled.</summary>
        internal static IEnumerable<string> OfDistillation =>
            [.. _ofLoss, .. typeof(LanguageTrainingOptions).GetProperties().Select(property => property.Name).Except(_ofConversion)];

        internal override void CheckRanges()
        {
            CheckModels();
            CheckScheme();
            CheckDistillation();
            AtLeast(1, ReportWindows, nameof(ReportWindows));
            base.CheckRanges();
            if (ValidationFraction == 0)
                throw new ArgumentException(
                    "ValidationFraction must be above 0: teacher and student are compared on held-out text.", nameof(ValidationFraction));
        }

        internal override IEnumerable<UnusedOption> Unused(bool asksForGpu) =>
        [
            .. UnusedOfTeacher(), .. UnusedOfScheme(),
            .. Distill == false
                ? OfDistillation.Select(option => new UnusedOption(option, WithoutDistillation, SetDistill))
                : [.. UnusedOfLoss(), .. base.Unused(asksForGpu)],
        ];

        private void CheckModels()
        {
            NotBlank(TeacherPath, nameof(TeacherPath));
            NotBlank(StudentPath, nameof(StudentPath));
            if (TeacherPath is null == Teacher is null)
                throw new ArgumentException(
                    "Set exactly one of TeacherPath, a folder, and Teacher, a loaded model.", nameof(TeacherPath));
            Defined(TeacherPrecision, nameof(TeacherPrecision));
            if (TeacherDevice is not null) Devices.CheckName(TeacherDevice);
        }

        private void CheckScheme()
        {
            ArgumentNullException.ThrowIfNull(Scheme);
            if (MaxRemainderGiB is { } gib) NotNegative(gib, nameof(MaxRemainderGiB));
            if (MaxRelativeCost is { } cost)
                Require(cost >= 1 && double.IsFinite(cost), nameof(MaxRelativeCost), cost, "at least 1 and finite");
            if (StudentPath is not null || ChooseScheme) return;
            if (Scheme.WhyNoInverse is { } reason)
                throw new ArgumentException($"Scheme must be a reversible one, and '{Scheme}' is not: {reason}", nameof(Scheme));
            Arithmetic arithmetic = EffectiveArithmetic!.Value;
            Scheme.CheckName();
            Scheme.CheckParameters(arithmetic);
            LayerStack.Check(Scheme, BackwardMode ?? Reversible.BackwardMode.Reversible, arithmetic);
            if (SearchStepSize == true && GivesStepSize(Scheme)) throw NamedStepSize(Scheme);
        }

        /// <summary>Returns the exception for a scheme with a step size although SearchStepSize is true.</summary>
        internal static ArgumentException NamedStepSize(Scheme scheme) => new(
            $"Scheme has no effect beyond its name, {scheme.Name}, if SearchStepSize is true. " +
            "Leave it out, or set SearchStepSize to false.", nameof(Scheme));

        private void CheckDistillation()
        {
            Defined(Divergence, nameof(Divergence));
            Require(JensenShannonWeight is > 0 and < 1, nameof(JensenShannonWeight), JensenShannonWeight, "within (0, 1)");
            Positive(Temperature, nameof(Temperature));
            Require(CrossEntropyWeight is >= 0 and <= 1, nameof(CrossEntropyWeight), CrossEntropyWeight, "within [0, 1]");
            NotNegative(HiddenStateWeight, nameof(HiddenStateWeight));
            if (LayerMap is { Count: 0 })
                throw new ArgumentException("LayerMap must have at least one pair of layers, or be null for all.", nameof(LayerMap));
            AtLeast(0, TeacherTopK, nameof(TeacherTopK));
            NotBlank(TeacherCachePath, nameof(TeacherCachePath));
            if (TeacherTopK > 0 && HiddenStateWeight > 0)
                throw new ArgumentException(
                    "HiddenStateWeight runs the teacher at every step, and TeacherTopK avoids just that: one of them must be 0.",
                    nameof(HiddenStateWeight));
        }

        /// <summary>Returns whether a scheme has a step size that can be searched for.</summary>
        internal static bool HasStepSize(Scheme scheme) => scheme is Midpoint or Leapfrog;

        /// <summary>Returns whether a scheme has a step size other than its default.</summary>
        private static bool GivesStepSize(Scheme scheme) => HasStepSize(scheme)
            && scheme with { Start = Start.Repeat } is var plain && plain != Scheme.Midpoint && plain != Scheme.Leapfrog;

        private IEnumerable<UnusedOption> UnusedOfTeacher()
        {
            if (Teacher is null) yield break;
            foreach (string option in new[] { nameof(TeacherDevice), nameof(TeacherPrecision) })
                yield return new(option, "if Teacher is a loaded model, which has its own device", "set TeacherPath to its folder");
        }

        private IEnumerable<UnusedOption> UnusedOfScheme()
        {
            if (StudentPath is not null)
            {
                foreach (string option in new[] { nameof(Scheme), nameof(ChooseScheme), nameof(SearchStepSize) })
                    yield return new(option, "if StudentPath is set, since the folder has the scheme",
                        "leave out StudentPath");
            }
            else if (ChooseScheme)
            {
                yield return new(nameof(Scheme), "with ChooseScheme, which chooses the scheme", "set ChooseScheme to false");
                yield return new(nameof(SearchStepSize), "with ChooseScheme, which always searches", "set ChooseScheme to false");
            }
            else if (!HasStepSize(Scheme))
                yield return new(nameof(SearchStepSize), $"with the scheme {Scheme}, which has no step size",
                    "set Scheme to midpoint or leapfrog");

            if (ChooseScheme && StudentPath is null) yield break;
            foreach (string option in new[] { nameof(MaxRemainderGiB), nameof(MaxRelativeCost) })
                yield return new(option, "without ChooseScheme, whose choice it limits", "set ChooseScheme to true");
        }

        private IEnumerable<UnusedOption> UnusedOfLoss()
        {
            if (CrossEntropyWeight == 1)
            {
                foreach (string option in new[] { nameof(Divergence), nameof(JensenShannonWeight), nameof(Temperature) })
                    yield return new(option, "if CrossEntropyWeight is 1, so that the divergence has weight 0",
                        "set CrossEntropyWeight below 1");
            }
            else if (Divergence != Divergence.JensenShannon)
                yield return new(nameof(JensenShannonWeight), $"if Divergence is {Divergence}", "set Divergence to JensenShannon");
            if (HiddenStateWeight == 0)
                yield return new(nameof(LayerMap), "if HiddenStateWeight is 0", "set HiddenStateWeight above 0");
            if (TeacherTopK == 0)
                yield return new(nameof(TeacherCachePath), "if TeacherTopK is 0", "set TeacherTopK above 0");
        }
    }
}
