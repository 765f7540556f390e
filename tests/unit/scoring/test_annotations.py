"""A reader's annotation arrives on the voxels it was drawn on, whatever the file it came in."""

import plistlib
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import pack_bits
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SegmentationStorage, generate_uid

from calcohort.errors import InputError
from calcohort.scoring.annotations import coronary, read_annotation, vessel_of
from calcohort.scoring.label_maps import write_image
from calcohort.scoring.roi_xml import write_roi_xml
from calcohort.volume import Volume

DATA = Path(__file__).parent / "data"
SPACING, ORIGIN = (0.4, 0.7, 2.5), (-91.3, 12.25, -640.5)
NAMES = {
    1: "Left Main",
    2: "Left Anterior Descending Artery",
    3: "LCX",
    4: "Right Coronary Artery",
    5: "aorta",
}


@pytest.fixture
def scan():
    return Volume(np.zeros((7, 20, 30), dtype=np.int16), SPACING, ORIGIN)


@pytest.fixture
def vessels(scan):
    """One lesion per vessel: at corners of the image, a single pixel, two parts that touch diagonally."""
    labels = np.zeros(scan.shape_zyx, dtype=np.uint8)
    labels[0, 0:3, 0:2] = 1
    labels[1:4, 5:9, 10:17] = 2
    labels[3, 12, 4] = 3
    labels[4, 10:12, 20:22] = labels[4, 12:15, 22:25] = 4
    labels[6, 17:20, 25:30] = 5
    return labels


@pytest.mark.parametrize("suffix", ["nii.gz", "nii", "nrrd", "mha"])
def test_label_map_round_trip(tmp_path, scan, vessels, suffix):
    path = tmp_path / f"reader.{suffix}"
    write_image(path, vessels, scan)
    np.testing.assert_array_equal(read_annotation(path, scan), vessels)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_label_map_in_another_orientation(tmp_path, scan, vessels):
    write_image(tmp_path / "lps.nrrd", vessels, scan)
    turned = sitk.DICOMOrient(sitk.ReadImage(str(tmp_path / "lps.nrrd")), "RAS")
    sitk.WriteImage(turned, str(tmp_path / "ras.nrrd"))
    np.testing.assert_array_equal(read_annotation(tmp_path / "ras.nrrd", scan), vessels)


def test_label_map_of_a_part_of_the_scan(tmp_path, scan, vessels):
    part = scan.crop((1, 5, 4, 16, 3, 28))
    write_image(tmp_path / "part.nrrd", vessels[1:5, 4:16, 3:28], part)
    expected = vessels.copy()
    expected[[0, 6]] = 0
    np.testing.assert_array_equal(read_annotation(tmp_path / "part.nrrd", scan), expected)


@pytest.mark.parametrize(
    ("spacing", "origin", "message"),
    [
        ((0.8, 0.7, 2.5), ORIGIN, "outside|spacing"),
        ((0.4, 0.7, 1.25), ORIGIN, "spacing"),
        (SPACING, (-91.1, 12.25, -640.5), "another grid"),
        (SPACING, (-91.3, 12.25, -638.0), "outside"),
    ],
)
def test_label_map_of_another_scan_is_refused(tmp_path, scan, vessels, spacing, origin, message):
    write_image(tmp_path / "other.nrrd", vessels, Volume(scan.hu, spacing, origin))
    with pytest.raises(InputError, match=message):
        read_annotation(tmp_path / "other.nrrd", scan)


def test_label_map_with_unknown_values_is_refused(tmp_path, scan, vessels):
    write_image(tmp_path / "reader.nii.gz", vessels * 20, scan)
    with pytest.raises(InputError, match="values other than 0-5"):
        read_annotation(tmp_path / "reader.nii.gz", scan)


def test_roi_xml_round_trip(tmp_path, scan, vessels):
    write_roi_xml(tmp_path / "reader.xml", vessels, scan)
    np.testing.assert_array_equal(read_annotation(tmp_path / "reader.xml", scan), vessels)


def test_roi_xml_as_horos_writes_it(tmp_path, scan):
    # A hexagon around four pixel centres of slice 2, in six decimals, and one point of a calcium speck.
    hexagon = [(4.5, 5.5), (5.5, 5.2), (6.6, 5.5), (6.6, 7.4), (5.5, 7.6), (4.6, 7.4)]
    points = [scan.point_lps_mm((2, y, x)) for x, y in hexagon]
    speck = scan.point_lps_mm((3, 9.2, 12.3))
    rois = [
        {"Name": "Left Anterior Descending Artery", "Point_mm": [_text(p) for p in points], "Area": 0.1},
        {"Name": "Right Coronary Artery", "Point_mm": [_text(speck)]},
        {"Name": "Left Coronary Artery", "Point_mm": []},
    ]
    images = [{"ImageIndex": 4, "ROIs": rois[:1]}, {"ImageIndex": 3, "ROIs": rois[1:]}]
    (tmp_path / "roi.xml").write_bytes(plistlib.dumps({"Images": images}))
    expected = np.zeros(scan.shape_zyx, dtype=np.uint8)
    expected[2, 6:8, 5:7] = 2
    expected[3, 9, 12] = 4
    np.testing.assert_array_equal(read_annotation(tmp_path / "roi.xml", scan), expected)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a property list", "no ROI file"),
        (plistlib.dumps({"Images": [{"ROIs": [{"Name": "LAD"}]}]}), "no ROI file"),
        (plistlib.dumps({"Images": [{"ROIs": [{"Name": "LAD", "Point_mm": ["(1, 2)"]}]}]}), "no ROI file"),
        (plistlib.dumps({"Images": [{"ROIs": [{"Name": "LAD", "Point_mm": ["(1, 2, 3)"]}]}]}), "outside"),
        (
            plistlib.dumps({"Images": [{"ROIs": [{"Name": "x", "Point_mm": ["(-91, 13, -640)"]}]}]}),
            "no vessel",
        ),
    ],
)
def test_broken_roi_xml_is_one_clear_line(tmp_path, scan, content, message):
    (tmp_path / "roi.xml").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_annotation(tmp_path / "roi.xml", scan)
    assert "roi.xml" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("turned", [False, True], ids=["head first", "rows and columns reversed"])
def test_dicom_seg_round_trip(tmp_path, scan, vessels, turned):
    _write_seg(tmp_path / "reader.dcm", scan, vessels, turned)
    np.testing.assert_array_equal(read_annotation(tmp_path / "reader.dcm", scan), vessels)


@pytest.mark.parametrize("kind", ["binary", "fractional", "labelmap"])
def test_dicom_seg_of_an_independent_writer(scan, vessels, kind):
    # Written by highdicom 0.28: segments RCA, LAD, aortic valve, LM, RCX; frames from above to below.
    found = read_annotation(DATA / f"highdicom_{kind}.dcm", scan)
    np.testing.assert_array_equal(found, vessels)


@pytest.mark.parametrize(
    ("label", "says"), [("Right Coronary Artery", None), ("aorta", "coronary and of other calcium overlap")]
)
def test_segments_that_overlap(tmp_path, scan, vessels, label, says):
    _write_seg(tmp_path / "reader.dcm", scan, vessels, False)
    dataset = pydicom.dcmread(tmp_path / "reader.dcm")
    twice = np.concatenate([dataset.pixel_array, dataset.pixel_array[1:2]])
    again = _item(**{e.keyword: e.value for e in dataset.PerFrameFunctionalGroupsSequence[1]})
    number = next(n for n, name in NAMES.items() if name == label)
    again.SegmentIdentificationSequence = [_item(ReferencedSegmentNumber=number)]
    dataset.PerFrameFunctionalGroupsSequence.append(again)
    dataset.NumberOfFrames, dataset.PixelData = len(twice), pack_bits(twice)
    dataset.save_as(tmp_path / "reader.dcm")
    if says is None:
        np.testing.assert_array_equal(read_annotation(tmp_path / "reader.dcm", scan), vessels)
    else:
        with pytest.raises(InputError, match=says):
            read_annotation(tmp_path / "reader.dcm", scan)


def test_a_segmentation_cut_short_is_one_clear_line(tmp_path, scan):
    content = (DATA / "highdicom_binary.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(content[:-60])
    with pytest.raises(InputError, match="cannot be read") as caught:
        read_annotation(tmp_path / "cut.dcm", scan)
    assert "\n" not in str(caught.value)


def test_roi_xml_keeps_a_hole(tmp_path, scan):
    ring = np.zeros(scan.shape_zyx, dtype=np.uint8)
    ring[2, 4:14, 5:20] = 2
    ring[2, 6:9, 8:12] = ring[2, 10:12, 14:17] = 0
    write_roi_xml(tmp_path / "ring.xml", ring, scan)
    np.testing.assert_array_equal(read_annotation(tmp_path / "ring.xml", scan), ring)


@pytest.mark.parametrize(
    ("places", "says"),
    [
        ([(3, 1.0), (4, 3.0)], "another slice than its image"),
        ([(3, 1.5)], "between two slices"),
        ([(3, 9.0)], "outside the scan"),
    ],
)
def test_an_outline_on_the_wrong_slice_is_refused(tmp_path, scan, places, says):
    images = []
    for image, z in places:
        points = [scan.point_lps_mm((z, y, x)) for y, x in ((4, 4), (4, 8), (8, 8), (8, 4))]
        images.append(
            {"ImageIndex": image, "ROIs": [{"Name": "LAD", "Point_mm": [_text(p) for p in points]}]}
        )
    (tmp_path / "roi.xml").write_bytes(plistlib.dumps({"Images": images}))
    with pytest.raises(InputError, match=says):
        read_annotation(tmp_path / "roi.xml", scan)


def test_other_dicom_is_no_segmentation(tmp_path, scan, vessels):
    _write_seg(tmp_path / "reader.dcm", scan, vessels, False)
    dataset = pydicom.dcmread(tmp_path / "reader.dcm")
    dataset.SOPClassUID = CTImageStorage
    dataset.save_as(tmp_path / "reader.dcm")
    (tmp_path / "note").write_text("nothing")
    with pytest.raises(InputError, match="no DICOM segmentation"):
        read_annotation(tmp_path / "reader.dcm", scan)
    with pytest.raises(InputError, match="no DICOM file"):
        read_annotation(tmp_path / "note", scan)


@pytest.mark.parametrize(
    ("name", "vessel"),
    [
        ("LM", 1),
        ("Left Coronary Artery", 1),
        ("lad_1", 2),
        ("D1 diagonal", 2),
        ("LCx", 3),
        ("RCA", 4),
        ("Aortic valve", 5),
        ("LAD1", 2),
        ("LAD prox", 2),
        ("D2", 2),
        ("RIVA", 2),
        ("RCX", 3),
        ("OM1", 3),
        ("Left Circumflex Coronary Artery", 3),
        ("Ramus intermedius", 3),
        ("RCA_mid", 4),
        ("PDA", 4),
        ("RPDA", 4),
        ("LMCA", 1),
        ("Left Main Coronary Artery", 1),
        ("Hauptstamm", 1),
        ("left coronary cusp", 5),
        ("Mitral annulus", 5),
        ("aorta ascendens", 5),
        ("Other", 5),
    ],
)
def test_vessel_names(name, vessel):
    assert vessel_of(name, "file") == vessel


def test_only_vessels_of_the_heart_are_coronary():
    assert coronary(np.arange(6)).tolist() == [False, True, True, True, True, False]


def _text(point):
    return "({:.6f}, {:.6f}, {:.6f})".format(*point)


def _write_seg(path, scan, vessels, turned):
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = SegmentationStorage, generate_uid(entropy_srcs=["seg"])
    dataset.SegmentationType = "BINARY"
    dataset.SegmentSequence = [_item(SegmentNumber=n, SegmentLabel=NAMES[n]) for n in NAMES]
    sign = -1 if turned else 1
    frames, groups = [], []
    for number in NAMES:
        for z in np.flatnonzero((vessels == number).any(axis=(1, 2))):
            frames.append((vessels[z] == number)[::sign, ::sign])
            corner = (z, scan.shape_zyx[1] - 1, scan.shape_zyx[2] - 1) if turned else (z, 0, 0)
            position = [round(value, 6) for value in scan.point_lps_mm(corner)]
            groups.append(
                _item(
                    SegmentIdentificationSequence=[_item(ReferencedSegmentNumber=number)],
                    PlanePositionSequence=[_item(ImagePositionPatient=position)],
                )
            )
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.SharedFunctionalGroupsSequence = [
        _item(
            PlaneOrientationSequence=[_item(ImageOrientationPatient=[sign, 0, 0, 0, sign, 0])],
            PixelMeasuresSequence=[_item(PixelSpacing=[SPACING[1], SPACING[0]])],
        )
    ]
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = len(frames), *vessels.shape[1:]
    dataset.BitsAllocated = dataset.BitsStored = dataset.SamplesPerPixel = 1
    dataset.HighBit = dataset.PixelRepresentation = 0
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelData = pack_bits(np.stack(frames).astype(np.uint8))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)


def _item(**elements):
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item
